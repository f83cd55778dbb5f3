# %% [markdown]
# # 05 Fan-out: find your own threshold
#
# One post, many timelines. You will put a common rule of thumb of this round to the test at the scale that it is quoted
# for, and leave with a threshold of your own and the sentences to defend it. About 40 minutes.

# %% [markdown]
# ## In the room
#
# You have drawn the skeleton of a news feed. The interviewer points at the arrow from the post to the timelines.
#
# > "An account with fifty million followers posts. What happens?"
#
# A weak answer: *"I'd use the hybrid approach. Push for normal users, and above ten thousand followers we pull, because
# fan-out breaks at that point."* It names the right pattern. Then the interviewer asks *"why ten thousand?"*, and there
# is nothing behind it.
#
# Three ways to build a timeline:
#
# - **Push** (fan-out on write): when somebody posts, copy the post into the stored timeline of each follower. A read is
#   one lookup.
# - **Pull** (fan-out on read): copy nothing. A read looks up the posts of everybody the reader follows, and merges
#   them.
# - **Hybrid**: push for accounts up to a threshold of followers, pull for those above it.

# %% [markdown]
# ## Predict
#
# You run a service of 100 million accounts. Everybody follows about 50 others, and the largest account has 50 million
# followers. The traffic has the shape of Twitter's in 2012: 4,600 posts and 300,000 timeline reads a second. So an
# account posts 4 times a day and reads 259 times, because its app asks by itself; here everybody posts equally often,
# and reads equally often. The delivery workers write 300,000 copies a second, about what Twitter needed for a million
# followers in 3.5 s. Count one copy written and one list looked up as the same amount of work.
#
# 1. At which threshold is the **total work** lowest? `0` pulls everything, `10_000` is the rule of thumb, `50_000_000`
#    pushes everything.
# 2. You push everything, and the largest account posts. Within the next minute somebody with eighty followers posts.
#    How long do *those eighty* wait, in seconds?
#
# Put your two numbers here before you read on.

# %%
my_threshold = None
my_wait_s = None

# %% [markdown]
# ## Run
#
# The accounts are made from a seed: the same on your machine as here. They take 0.4 GB of memory; on a small machine
# write `population(10_000_000, largest=5_000_000)`.

# %%
import pandas as pd

from fortyfive.flow.fan_out import lesson_workload, sweep
from fortyfive.flow.population import population
from fortyfive.widgets.fan_out import explore_fan_out, fan_out_table
from fortyfive.widgets.table import Captioned

accounts = population()
workload = lesson_workload()

# One pass over the accounts: the sums behind every threshold.
every_threshold = sweep(accounts.followers)


def accounts_above(followers):
    return every_threshold.cost(workload, followers).pulled_accounts


counts = {
    "accounts": accounts.accounts,
    "follows": accounts.follows,
    "followers of the largest account": int(accounts.followers.max()),
    "accounts above 100 followers": accounts_above(100),
    "accounts above 10,000 followers": accounts_above(10_000),
    "accounts above 1,000,000 followers": accounts_above(1_000_000),
}
Captioned(pd.DataFrame({"count": counts}), "The accounts")

# %% [markdown]
# ### One threshold for everybody
#
# Move the slider, and watch three things:
#
# - the **work** per second, copies written and lists looked up together;
# - the **slowest delivery**: how long a post of the largest *pushed* account takes to reach its last follower, if the
#   workers have nothing else to do;
# - the **p99 of lookups**: 99 reads in 100 need no more lists than this, the reader's own among them.
#
# The dashed lines are promises that a product might make: 5 s, and 10 lookups. Two more sliders change the delivery
# rate, and how many of the followers still come back; the others get no copy.

# %%
explore_fan_out(every_threshold, workload, slowest_delivery_s=5, p99_lookups=10)

# %%
lines = {0, 10_000, 1_000_000, 50_000_000} | ({my_threshold} - {None})
costs = [every_threshold.cost(workload, threshold) for threshold in sorted(lines)]
Captioned(fan_out_table(costs), "From pulling everything to pushing everything")

# %% [markdown]
# ### The queue behind a post
#
# Three minutes of the same service, post by post: 828,000 of them, cut into tasks of up to 1,000 copies, and served in
# the order they came by 30 workers with 10,000 copies a second each. After 60 s the account with 50 million followers
# posts. The curves are the time from a post to its **last** follower, for the posts of every 0.6 s: half of them are
# quicker than p50, one in a hundred is slower than p99.
#
# Move the threshold to the right end and watch p50 after the first minute: that is everybody's post.

# %%
from fortyfive.flow.delivery import Workers, posts, prepare, with_celebrity
from fortyfive.widgets.fan_out import explore_delivery

stretch = posts(accounts.followers, posts_per_s=workload.posts_per_s, span_s=180)
stretch = with_celebrity(stretch, at_s=60, followers=50_000_000)
queue = prepare(stretch, Workers(count=30, copies_per_s=10_000))
explore_delivery(queue, promise_s=5)

# %%
pulled, pushed = queue.deliver(1_000_000), queue.deliver(50_000_000)
at_s = stretch.at_ns / 1e9
like_yours = (stretch.followers >= 50) & (stretch.followers <= 110)
minute_after = like_yours & (at_s > 60) & (at_s < 120)
yours = pd.DataFrame(
    {
        "celebrity pulled (s)": pd.Series(pulled.last_copy_s[minute_after]),
        "celebrity pushed (s)": pd.Series(pushed.last_copy_s[minute_after]),
    }
).describe()
print("Your prediction (s):", my_wait_s)
Captioned(
    yours.loc[["min", "50%", "max"]].round(3),
    "Posts to about eighty followers, in the minute after the celebrity's",
)

# %% [markdown]
# ## What happened
#
# ### The celebrity is not the work
#
# Total work has no minimum at 10,000, nor anywhere else inside: **it falls all the way to the right**. The rule of
# thumb is over seven times the work of pushing everything, because the 22,555 accounts above the line hold a quarter of
# all follows, and every read has to look up those that its reader follows.
#
# The reason is one line of algebra. Take an account with *F* followers that posts *p* times a day, while each follower
# reads *r* times a day. Push costs *p × F* writes a day. Pull costs *r × F* lookups a day, because each follower's read
# looks this account up. Divide, and ***F* cancels**: at equal prices push is less work whenever its followers read more
# often than the account posts. The number of followers does not come into it.
#
# Equal prices are an assumption, and a good interviewer will ask about it. If a copy costs *k* lookups, pull is less
# work for an account once *k × p > r*: here from *k* = 65, your ratio of reads to posts. If people read ten times a day
# it would be 2.5, so compute it before you quote it. And *F* comes back through the cache: a list that millions read
# sits in the memory of every timeline server, so its lookup gets cheaper with *F*, and a copy never does. Twitter
# reported that pulling its largest accounts saved tens of per cent of the computation (the article cited below).
#
# ### What it costs a month
#
# At one vendor's list prices a copy costs five lookups, far from 65. Prices age, so each has its date on the book's
# page of facts. Nobody would pay these totals; the ratios are the point: the rule of thumb is over three times the bill
# of pushing everything. The stored timelines are full at 800 entries at nearly every threshold, so their size decides
# nothing.

# %%
from fortyfive.numbers import fact

write, read = fact("dynamodb.usd-per-m-writes"), fact("dynamodb.usd-per-m-reads")
bill = pd.DataFrame(
    {
        "a month (K USD)": [round(item.usd_per_month / 1000) for item in costs],
        "stored, 3 replicas (TB)": [round(item.stored_bytes / 1e12, 2) for item in costs],
    },
    index=pd.Index([item.threshold for item in costs], name="threshold (followers)"),
)
Captioned(bill, f"USD {write.value} a million writes, {read.value} a million lookups ({write.cite()})")

# %% [markdown]
# ### Two promises bound the threshold
#
# So why not push everything? Because of two promises, one on each side.
#
# 1. **From above: latency.** One post to *F* followers takes *F* / (deliveries per second) until the last one has it,
#    if the workers have nothing else to do. With 300,000 deliveries a second and a promise of 5 s, nobody with more
#    than 1.5 million followers may be pushed. With 2,000 a second it is 10,000 followers: that is how a rule of thumb
#    comes about, right for some workers and some promise, and for no others.
# 2. **From below: the read.** Each pulled account that a reader follows is one more lookup in every read. They go out
#    together, and the read waits for the slowest. If one lookup in a hundred takes over a second, independently of the
#    others, then a read that needs 100 of them takes over a second most of the time.

# %%
every = every_threshold.costs(workload)
cheap_reads = every.thresholds[every.p99_lookups <= 10]
prompt_posts = every.thresholds[every.slowest_delivery_s <= 5]
bounds = {
    "from below: p99 of at most 10 lookups": cheap_reads.min(),
    "from above: slowest delivery of at most 5 s": prompt_posts.max(),
}
window = pd.DataFrame({"threshold (followers)": bounds}).round(-4)
Captioned(window, "Thresholds that keep both promises")

# %%
lookups = pd.Index([1, 5, 10, 40, 100], name="lookups in the read")
slow = 100 * (1 - 0.99**lookups)
tail = pd.DataFrame({"reads over 1 s (%)": slow.round(1)}, index=lookups)
Captioned(tail, "A read that waits for many lookups waits for the slowest")

# %% [markdown]
# The last row is the 63 % of Dean and Barroso, *The Tail at Scale* (CACM, 2013; read second-hand).
#
# The ceiling of 1.5 million holds for idle workers, and these are busy 72 % of the time, on average. So take 1 million
# and keep headroom: 3.3 s, and 9 lookups. At Twitter's peak of 12,000 posts a second these workers have nearly twice the
# work that they can do, and no threshold between the two bounds changes that: it is a question of workers, and it comes
# first.
#
# ### The third reason stands in the queue
#
# The celebrity's own followers are not the ones who suffer most. Its 50 million copies are 167 s of work for all
# workers together, and **whoever posts in the meantime waits behind them**, to eighty followers or to eighty million.
# That was your second prediction: over two and a half minutes, for everybody's post.
#
# It is not over when the celebrity is through. The workers have 23 % of their time to spare, so the queue needs 167 s /
# 0.23, twelve minutes, to drain, and the account posts four times a day.
#
# Averages hide it, because a queue's wait depends on the *spread* of the jobs. For one server, first come first served,
# and posts at random at rate λ, each *S* seconds of work, the mean wait is λ·E[*S*²] / (2(1 − ρ)) (Pollaczek and
# Khinchine), with ρ the share of capacity in use. Take the pool for one server: pulling the 99 accounts above a million
# takes over five points off ρ, and nearly everything off E[*S*²]. Beside it, twenty stretches of three minutes with
# dice of their own, and nobody put in by hand:

# %%
import numpy as np

thresholds = [1_000_000, 50_000_000]
measured = pd.DataFrame(columns=thresholds, dtype=float)
for seed in range(20):
    one = posts(accounts.followers, posts_per_s=4_600, span_s=180, seed=seed)
    tasks = prepare(one, Workers(count=30, copies_per_s=10_000), seed=seed)
    for threshold in thresholds:
        last_copy_s = tasks.deliver(threshold).last_copy_s
        measured.loc[seed, threshold] = np.nanmean(last_copy_s)

theory = [every_threshold.mean_wait_s(workload, line) for line in thresholds]
waits = pd.DataFrame(
    {
        "formula (s)": theory,
        "mean of 20 (s)": measured.mean(),
        "median of 20 (s)": measured.median(),
        "worst of 20 (s)": measured.max(),
        "stretches over 1 s": (measured > 1).sum(),
    }
)
waits = waits.round(2).rename_axis("threshold (followers)")
Captioned(waits, "Mean time to the last copy: the formula, and twenty stretches")

# %% [markdown]
# With the large accounts pulled, formula and measurement are near one another (the formula is a little gloomy: many
# workers let a small post slip in). With everything pushed, that they are near is luck. In eighteen of twenty stretches
# hardly anything shows; in one an account with ten million followers posts, in one that with fifty, and this one makes
# nearly all of the mean. **A load test of a few minutes almost never meets the job that makes the mean.**
#
# A lane of their own is the other cure. Let posts of accounts above 100,000 followers wait in a second queue with a
# fifth of the workers, and nobody else stands behind them:

# %%
lane = queue.deliver(50_000_000, lane_above=100_000, lane_share=0.2)
others, celebrity = stretch.followers <= 100_000, stretch.followers == 50_000_000


def in_seconds(delivery):
    p50, p99 = np.nanpercentile(delivery.last_copy_s[others], [50, 99])
    return [p50, p99, delivery.last_copy_s[celebrity][0]]


rows = ["p50 of accounts up to 100,000", "p99 of accounts up to 100,000", "the celebrity"]
lanes = pd.DataFrame({"one queue (s)": in_seconds(pushed), "own lane (s)": in_seconds(lane)}, rows)
Captioned(lanes.round(2), "Everything pushed, with and without a lane for large accounts")

# %% [markdown]
# A lane protects who is outside it. The celebrity's own post now takes five times as long, since it has a fifth of the
# workers, and every account above 100,000 stands behind it. Only pull, or more workers, keeps the promise for those.
#
# ### Half of your followers are asleep
#
# A copy for somebody who never looks is wasted. Stop copying for a reader who has been away for *D* days; when they
# come back, build their timeline by pull. How long should you wait? Take a calmer service, in which people come by
# themselves: 20,000 readers who differ as people do (lognormal; the mean is two visits a day, the median one in four
# days), and accounts that post twice a week. The theory is one exponential per reader; the measurement draws every
# visit.

# %%
from fortyfive.flow.inactive import inactive_costs, simulate_visits

days = [0.25, 1, 3, 7, 30, 365]
expected = inactive_costs(days, readers=20_000)
visits = simulate_visits(days, readers=20_000)
inactive = pd.DataFrame(
    {
        "copies (1/s)": expected.copies_per_s,
        "lookups to rebuild (1/s)": expected.rebuild_lookups_per_s,
        "lookups of visits (1/s)": expected.reads_per_s,
        "work (1/s)": expected.work_per_s,
        "work, measured (1/s)": visits.work_per_s,
        "reads that rebuild (%)": 100 * expected.slow_read_share,
    },
    index=pd.Index(days, name="copies stop after (days)"),
)
Captioned(inactive.round(2), "This one has a minimum inside")

# %% [markdown]
# Unlike the threshold, this line has its best place inside: give up too early and people who come every other day pay a
# rebuild each time, too late and you write for ghosts. The valley is flat here, so choose by the reads: at Twitter's 30
# days it is over a tenth more work than at 3, and hardly any visit is slow. Where it lies depends on your rates; the
# rule behind it does not: a copy pays for a reader who comes more often than the account posts. **What saves work is a
# line between readers who come and readers who don't, not between authors by their followers.**
#
# ### What a copy must hear of
#
# A copy has to hear of everything that happens to its post. Each of these is a fan-out of its own:
#
# - **Delete.** A pulled account's post goes with one write. A pushed one's copies lie in every follower's timeline:
#   either the delete fans out as the post did, or each read filters what is gone.
# - **Unfollow.** The reader's stored timeline still holds the author's posts: remove them, or filter at the read.
# - **Crossing the threshold.** An account grows past it, or shrinks below. Moving its posts into the timelines, or out
#   of them, is one write for each follower and post. At a million followers:

# %%
history = int(fact("twitter.timeline-length").value)
a_day, follows_each = 4, 50
still_there = history // follows_each
moves = pd.Series({"a full timeline of it": history, "what fits beside 49 others": still_there})
crossing = pd.DataFrame(
    {
        "posts": moves,
        "copies": moves * 1_000_000,
        "time of all workers (s)": moves * 1_000_000 / workload.deliveries_per_s,
    }
).round()
Captioned(crossing.astype("int64"), "One account of a million followers crosses")

# %% [markdown]
# So move no more than the timelines still hold, about sixteen posts of each author, or nothing. On the way up, leave
# the copies where they are and let the read ignore them: it looks the account up anyway. On the way down, copy new
# posts only, and let the read look up the older ones until they are old. Either way the read must know which account
# crossed when, so do not let one flap at the line: cross upwards at a million, and back only at, say, 900,000.

# %% [markdown]
# ### Merging, and ranking, at the read
#
# A hybrid read merges the reader's own list with those of the pulled accounts. While the newest come first, each list
# can be cut to one page before the merge: what is not among the newest 20 of its own list is not among the newest 20 of
# all. (Filter first, then cut: a list that still holds deleted posts, or copies of pulled accounts, comes up short.)
# **Ranking breaks that cut.** Here a page of 20 is chosen from nine lists of 200, by age, or by a score that cares more
# or less for it:

# %%
from fortyfive.flow.draws import uniform

PAGES, LISTS, LONG, PAGE = 500, 9, 200, 20
entry = np.arange(PAGES * LISTS * LONG)
age = np.sort(uniform(45, 2, entry).reshape(PAGES, LISTS, LONG))
interest = uniform(45, 3, entry).reshape(age.shape)


def lost_posts(score, kept):
    best = np.sort(score.reshape(PAGES, -1))[:, -PAGE:]
    cut = np.sort(score[:, :, :kept].reshape(PAGES, -1))[:, -PAGE:]
    return PAGE - (cut >= best[:, :1]).sum(axis=1).mean()


scores = {
    "newest first": -age,
    "cares for age": interest * np.exp(-age),
    "cares little": interest * np.exp(-0.3 * age),
    "not at all": interest,
}
kept = pd.Index([20, 50, 100], name="newest posts kept of each list")
ranking = pd.DataFrame(
    {name: [lost_posts(score, count) for count in kept] for name, score in scores.items()},
    index=kept,
)
Captioned(ranking.round(1), "Posts missing from a page of 20")

# %% [markdown]
# The less the score cares for age, the deeper each list must be read, and each pulled account is one more list. So a
# ranked feed is a reason to pull fewer accounts, or to rank in two steps: a cheap score where the list lives, the dear
# one on what is left.
#
# ### A reality check
#
# Did push ever "break" at 10,000 followers? An article of July 2013, on a talk by Twitter's VP of Engineering, has
# figures.

# %%
followers, slowest = fact("twitter.celebrity-followers"), fact("twitter.celebrity-delivery-time")
median, goal = fact("twitter.delivery-median-1m"), fact("twitter.delivery-goal")
rates = pd.Series({"31 M followers in 5 min, p99": followers.value / (slowest.value * 60)})
rates["1 M followers in 3.5 s, median"] = 1_000_000 / median.value
report = pd.DataFrame(
    {
        "deliveries per second": rates.round(-3),
        f"largest account within {goal.value:g} s": (rates * goal.value).round(-4),
    }
)
Captioned(report.astype("int64"), f"Push at Twitter ({slowest.cite()}); rates computed here")

# %% [markdown]
# Push *worked* at 31 million followers, slowly. Five minutes was the slow end, with queues that had backed up, and
# inactive followers got no copy, so read the rates as rough. The goal was 5 s, and it failed visibly: people saw
# replies before the post they replied to. That is why the largest accounts were taken out of the fan-out and merged in
# at the read. Ten thousand was never the limit. A latency target was, and it allowed between half a million and one and
# a half million.
#
# ### Ten times the traffic
#
# People use it ten times as much: posts and reads grow tenfold, and the accounts and their followers stay as they are.

# %%
from dataclasses import replace

busier = replace(workload, posts_per_s=46_000, reads_per_s=3_000_000)
staffed = replace(busier, deliveries_per_s=3_000_000)


def row(load, line):
    cost = every_threshold.cost(load, line)
    return {
        "line (followers)": line,
        "work offered (%)": 100 * cost.writes_per_s / load.deliveries_per_s,
        "slowest, idle workers (s)": cost.slowest_delivery_s,
        "mean wait (s)": every_threshold.mean_wait_s(load, line),
        "p99 lookups": cost.p99_lookups,
    }


plans = {
    "today": row(workload, 1_000_000),
    "10x, the same workers": row(busier, 1_000_000),
    "10x the workers": row(staffed, 1_000_000),
    "10x the workers, new line": row(staffed, 10_000_000),
}
table = pd.DataFrame(plans).T.round({"slowest, idle workers (s)": 1, "mean wait (s)": 2})
whole = ["line (followers)", "work offered (%)", "p99 lookups"]
table[whole] = table[whole].round().astype(int)
Captioned(table, "Ten times the traffic; work offered is a share of the capacity")

# %% [markdown]
# (An infinite wait is a queue that only grows.) **Use makes the celebrity easier.** The traffic grew tenfold and the
# celebrity did not: with workers in proportion the same post is through in a tenth of the time. Either keep the line,
# and everybody's wait falls to a tenth, or move it up tenfold, pull a handful of accounts, and the read gets cheaper.
# Two things break: the plan that leaves the workers as they are, and the list of a pulled celebrity, which gets ten
# times the reads. If it is the *users* that grow tenfold, *F* grows with them, and nothing is gained: ask which one is
# meant.

# %% [markdown]
# ## Say it
#
# > "Fifty million copies at 300,000 a second take 167 seconds. We promise five. So I don't push that post: its
# > followers pull it."
#
# > "At equal cost, push is less work for any account that posts less often than its followers read, however many it
# > has. So I push to nearly everybody, and pull the top hundred for latency: five seconds at 300,000 a second is a
# > ceiling of 1.5 million followers, I take one million for headroom, and it moves with the worker count."
#
# > "What worries me is not the celebrity's post but everybody else's behind it: one job of three minutes in a shared
# > queue. Pulled, it is gone; what is left and large gets a lane of its own. I'd alarm on the age of the oldest task,
# > not on the average."
#
# > "The price is on the read: each pulled account is one more lookup with its own tail. With ten of them, each must
# > meet the target at its p99.9 for the read to meet it at p99. I'd cap it at ten and watch the p99 of the timeline
# > read."

# %% [markdown]
# ## Pushback
#
# An interviewer pushes to probe whether you believe what you said, because there is a real flaw, or, now and then, by
# mistake. Which one it is decides the answer.
#
# **"Everybody uses ten thousand. Why not you?"** (a probe) Do not give in, and do not argue about the number. Say what
# it depends on: "It is right if delivery rate times target is ten thousand. Ours is 1.5 million. What latency do you
# want to promise?"
#
# **"You pull. Now fifty million followers read one list."** (a real flaw) Put a number on it, then mend it: "At 259
# reads a day each, that is 150,000 a second on one key, and one DynamoDB partition serves 3,000. I cache that list in
# each timeline server for a second or two. The post is that much later, and the key sees a read or so a second from
# each server instead."
#
# **"Half of your followers have not opened the app in months."** (a real flaw) Agree, and use it: for an inactive
# follower *r* is nearly 0, and the algebra turns round. "Then I stop copying for whoever was away for a month, and
# build their timeline by pull when they come back. That cuts the writes and costs a few of them one slow read."
#
# **"With hybrid, a delete is easy: you just delete the post."** (the interviewer is wrong) "For a pulled account, yes.
# For a pushed one the copies are in the followers' timelines: the delete fans out as the post did, or the read filters
# deleted posts. Which one depends on whether a read can tell cheaply what is gone."
#
# **"Product wants the feed ranked, not by time."** (a change of the requirements) Say what it breaks: "Until now I
# could cut every list to one page before the merge. Now I need more of each, how much depends on how little the score
# cares for age, so pulled accounts get dearer. I'd rank cheaply where the list lives, and fully only what is left."
#
# **"A lane for large accounts? Why not serve all posts in turn?"** (a probe) It is a fair design: "A task of each post
# in turn shares the wait better, and needs a queue per post. A lane is two queues, and I can say what each promises."
#
# The arithmetic behind these sentences:

# %%
said = {
    "50 M copies at 300 K/s (s)": round(50_000_000 / 300_000),
    "5 s at 300 K/s (followers)": 5 * 300_000,
    "reads a day of an account": round(300_000 * 86_400 / 100_000_000),
    "posts a day of an account": round(4_600 * 86_400 / 100_000_000),
    "167 s at the spare 23 % (minutes)": round(167 / 0.23 / 60),
    "12,000 posts/s, 1 M line (% of capacity)": round(12_000 / 4_600 * 71.1),
    "10 lookups, each within its p99.9 (% of reads)": round(100 * 0.999**10, 1),
    "50 M followers, 259 reads a day each (reads/s)": round(50_000_000 * 259 // 86_400, -4),
}
Captioned(pd.Series(said, dtype=object).to_frame("value"), "Numbers to say aloud")

# %% [markdown]
# ## Check yourself
#
# - Your workers get ten times faster. What happens to the threshold, and what to the p99 of the read? *(The bound from
#   above rises tenfold. If you raise the threshold with it, fewer accounts are pulled, and the read gets cheaper.)*
# - Somebody says "pull saves writes". Is it true? Is it a reason? *(True. A reason only if a copy costs far more than a
#   lookup, or the list is cached.)*
# - The load test of "push everything" was green for an hour. What do you ask? *(Whether the largest account posted in
#   it. The mean wait is made by the rarest job.)*
# - An account shrinks below the threshold. What must the next read of a follower show, and where does it come from?
#   *(The same posts as before. The new ones are copied, the older ones still have to be looked up.)*
# - What do you need besides "31 million followers" to say how long a post takes? *(The delivery rate, and what else is
#   in the queue.)*
#
# Then open exercise 05 (`exercises/05_fan_out.ipynb`): put numbers on a celebrity's post, write push, pull and the
# hybrid, choose a threshold that keeps two promises, defend it, and review three designs.
