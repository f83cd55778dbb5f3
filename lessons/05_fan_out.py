# %% [markdown]
# # 05 Fan-out: find your own threshold
#
# One post, many timelines. You will put a common rule of thumb of this round to the test, and leave with a
# threshold of your own and three sentences to defend it. About 25 minutes.

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
# - **Push** (fan-out on write): when somebody posts, copy the post into the stored timeline of each follower. A read is one
#   lookup.
# - **Pull** (fan-out on read): copy nothing. A read looks up the posts of everybody the reader follows, and merges them.
# - **Hybrid**: push for accounts up to a threshold of followers, pull for those above it.

# %% [markdown]
# ## Predict
#
# You run a service of 50,000 accounts in which everybody follows about 40 others, and the largest account has over a
# thousand times the followers of the median one. For each post there are 65 timeline reads:
# Twitter's ratio in 2012, 300 K reads to 4.6 K posts a second (Kleppmann, *Designing Data-Intensive Applications*; read
# second-hand). Count one copy written and one list looked up as the same amount of work.
#
# At which threshold is the **total work** lowest? Commit before you read on: `0` pulls everything, `10_000` is the rule of
# thumb, `30_000` is more followers than anybody here has, so it pushes everything.

# %%
my_prediction = 10_000

# %% [markdown]
# ## Run
#
# The graph is made from a seed: the same on your machine as here.

# %%
import pandas as pd

from fortyfive.flow.fan_out import cost, follower_graph, lesson_workload
from fortyfive.numbers import fact
from fortyfive.widgets.fan_out import explore_fan_out, fan_out_table
from fortyfive.widgets.table import Captioned

graph = follower_graph()
workload = lesson_workload()

counts = {
    "accounts": graph.accounts,
    "follows": len(graph.readers),
    "followers of the median account": int(pd.Series(graph.followers).median()),
    "followers of the largest account": int(graph.followers.max()),
    "accounts above 10,000 followers": int((graph.followers > 10_000).sum()),
}
Captioned(pd.DataFrame({"count": counts}), "The graph")

# %% [markdown]
# Move the slider, and watch three things:
#
# - the **work** per second, copies written and lists looked up together;
# - the **slowest delivery**: how long a post of the largest *pushed* account takes to reach its last follower;
# - the **p99 of lookups**: 99 reads in 100 need no more lists than this.
#
# The workers write 2,000 copies a second when they have nothing else to do. The dashed lines are promises that a product
# might make: 5 s, and 10 lookups. These three numbers are made up, and you will change them in the exercise.

# %%
explore_fan_out(graph, workload, slowest_delivery_s=5, p99_lookups=10)

# %%
positions = sorted({0, my_prediction, int(graph.followers.max())})
costs = [cost(graph, workload, threshold) for threshold in positions]
Captioned(fan_out_table(costs), "Pull everything, your prediction, push everything")

# %% [markdown]
# ## What happened
#
# Total work has no minimum at 10,000, nor anywhere else inside: **it falls all the way to the right**. Pushing everything
# is half the work of the rule of thumb, and a twenty-fifth of pulling everything. That may surprise you, because a
# celebrity's fan-out looks so large.
#
# The reason is one line of algebra. Take an account with *F* followers that posts *p* times a day, while each follower
# reads *r* times a day. Push costs *p × F* writes a day. Pull costs *r × F* lookups a day, because each follower's read
# looks this account up. Divide, and ***F* cancels**: at equal prices push is less work whenever its followers read more
# often than the account posts. The number of followers does not come into it.
#
# The formula beside the sum over all follows of the graph, for everything pushed and everything pulled (the lookups besides
# the reader's own list):

# %%
pushed, pulled = cost(graph, workload, int(graph.followers.max())), cost(graph, workload, 0)
mean_follows = len(graph.readers) / graph.accounts
comparison = pd.DataFrame(
    {
        "formula (1/s)": [workload.posts_per_s * mean_follows, workload.reads_per_s * mean_follows],
        "summed over the graph (1/s)": [pushed.writes_per_s, pulled.lookups_per_s - workload.reads_per_s],
    },
    index=["copies written, all pushed", "extra lookups, all pulled"],
)
Captioned(comparison.round(1), "The formula holds on this graph")

# %% [markdown]
# Equal prices are an assumption, and a good interviewer will ask about it. If a copy costs *k* lookups, pull is less work
# for an account once *k × p > r*: here from *k* = 65. And *F* comes back through the cache: a list that millions read sits
# in the memory of every timeline server, so its lookup gets cheaper with *F*, and a copy never does. Twitter reported that
# pulling its largest accounts saved tens of per cent of the computation (the article cited below).
#
# Even where push is less work, two promises bound the threshold, one on each side:
#
# 1. **From above: latency.** One post to *F* followers takes *F* / (deliveries per second) until the last one has it, if
#    the workers have nothing else to do. With 2,000 deliveries/s and a promise of 5 s, nobody with more than 10,000
#    followers may be pushed. That is how a rule of thumb comes about: right for these workers and this promise, and for no
#    others. Two such posts at once take twice as long, so keep headroom.
# 2. **From below: the read.** Each pulled account that a reader follows is one more lookup in every read. They go out
#    together, and the read waits for the slowest. If one lookup in a hundred takes over a second, independently of the
#    others, then a read that needs 100 of them takes over a second most of the time:

# %%
lookups = pd.Index([1, 5, 10, 40, 100], name="lookups in the read")
tail = pd.DataFrame({"reads over 1 s (%)": (100 * (1 - 0.99**lookups)).round(1)}, index=lookups)
Captioned(tail, "A read that waits for many lookups waits for the slowest")

# %% [markdown]
# The last row is the 63 % of Dean and Barroso, *The Tail at Scale* (CACM, 2013; read second-hand).
#
# ### A reality check
#
# Did push ever "break" at 10,000 followers? An article of July 2013, on a talk by Twitter's VP of Engineering, has figures.

# %%
followers, slowest = fact("twitter.celebrity-followers"), fact("twitter.celebrity-delivery-time")
median, goal = fact("twitter.delivery-median-1m"), fact("twitter.delivery-goal")
rates = pd.Series({"31 M followers in 5 min, p99": followers.value / (slowest.value * 60)})
rates["1 M followers in 3.5 s, median"] = 1_000_000 / median.value
report = pd.DataFrame(
    {
        "deliveries per second": rates.round(-3),
        f"largest account within {goal.value:g} s (followers)": (rates * goal.value).round(-4),
    }
)
Captioned(report.astype("int64"), f"Push at Twitter ({slowest.cite()}); rates computed here")

# %% [markdown]
# Push *worked* at 31 million followers, slowly. Five minutes was the slow end, with queues that had backed up, and inactive
# followers got no copy, so read the rates as rough. The goal was 5 s, and it failed visibly: people saw replies before the
# post they replied to. That is why the largest accounts were taken out of the fan-out and merged in at the read. Ten
# thousand was never the limit. A latency target was, and it allowed between half a million and one and a half million.

# %% [markdown]
# ## Say it
#
# > "Fifty million copies at 100,000 a second take 500 seconds, over eight minutes. We promise five seconds. So I don't push
# > that post: its followers pull it."
#
# > "At equal cost, push is cheaper for any account that posts less often than its followers open the app. So I push to most
# > accounts and pull the top few, to keep a latency promise. Five seconds at 100,000 a second puts the line at 500,000
# > followers, and it moves with the worker count."
#
# > "The price is on the read: each pulled account is one more lookup with its own tail. With ten of them, each must meet the
# > target at its p99.9 for the read to meet it at p99. I'd cap it at ten and watch the p99 of the timeline read."

# %% [markdown]
# ## Pushback
#
# An interviewer pushes to probe whether you believe what you said, because there is a real flaw, or, now and then, by
# mistake. Which one it is decides the answer.
#
# **"Everybody uses ten thousand. Why not you?"** (a probe) Do not give in, and do not argue about the number. Say what it
# depends on: "It is right if delivery rate times target is ten thousand. Ours is 500,000. What latency do you want to
# promise?"
#
# **"You pull. Now fifty million followers read one list."** (a real flaw) Put a number on it, then mend it: "At ten reads a
# day each, that is about 5,800 a second on one key, on average. I cache that list in each timeline server for a second or
# two. The post is that much later, and the key sees a read or so a second from each server instead."
#
# **"Half of your followers have not opened the app in months."** (a real flaw) Agree, and use it: for an inactive follower
# *r* is nearly 0, and the algebra turns round. "Then I push to active followers only, and build the timeline of the others
# by pull when they come back. That cuts the writes and costs one slow read."
#
# **"With hybrid, a delete is easy: you just delete the post."** (the interviewer is wrong) "For a pulled account, yes. For a
# pushed one the copies are in the followers' timelines: the delete fans out as the post did, or the read filters deleted
# posts. Which one depends on whether a read can tell cheaply what is gone."
#
# The arithmetic behind these sentences:

# %%
said = {
    "50 M copies at 100 K/s (s)": 50_000_000 // 100_000,
    "5 s at 100 K/s (followers)": 5 * 100_000,
    "10 lookups, each within its p99.9 (% of reads)": round(100 * 0.999**10, 1),
    "50 M followers, 10 reads a day each (reads/s)": round(50_000_000 * 10 / 86_400),
}
Captioned(pd.Series(said, dtype=object).to_frame("value"), "Numbers to say aloud")

# %% [markdown]
# ## Check yourself
#
# - Your workers get ten times faster. What happens to the threshold, and what to the p99 of the read? *(The bound from above
#   rises tenfold. If you raise the threshold with it, fewer accounts are pulled, and the read gets cheaper.)*
# - Somebody says "pull saves writes". Is it true? Is it a reason? *(True. A reason only if a copy costs far more than a
#   lookup, or the list is cached.)*
# - What do you need besides "31 million followers" to say how long a post takes? *(The delivery rate, and what else is in
#   the queue.)*
#
# Then open exercise 05 (`exercises/05_fan_out.ipynb`): put numbers on a celebrity's post, write the hybrid's delivery code,
# and choose a threshold that keeps two promises.
