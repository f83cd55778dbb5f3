# %% [markdown]
# # 04 High-level design: draw it, then run it
#
# Minutes five to fifteen are a whiteboard. Here the drawing is a program: it takes the load of the prompt, loses
# machines, meets a slow provider, and comes back with latencies, losses and a bill. You will build one system box by
# box, and let a number earn each. About an hour.

# %% [markdown]
# ## In the room
#
# You have asked your questions, and summed up what will be built. The interviewer slides the marker over.
#
# > "Good. Sketch it for me."
#
# A weak answer draws for eight minutes: twelve boxes, three regions, Kafka, Redis, "and here is a microservice for
# preferences". It looks like a system. Then the interviewer puts a finger on one box and asks *"what is this for?"*,
# and on another *"how many of these?"*, and there is no number behind either.
#
# A strong answer draws six boxes and says why each of them is there.

# %% [markdown]
# ## Predict
#
# The prompt is a notification system. Other teams' services ask us to notify a user, 500 times a second at the peak. A
# user has four devices on average, and only the push provider reaches a device, in about 50 ms. We promise an answer
# within 200 ms and the push within 10 s, both at p99; while any one machine is dead, 99.9 % of the requests still get
# their answer.
#
# 1. The skeleton is `client -> lb -> notify x4 -> queue -> workers x20 -> apns`. The load grows. **Which box is full
#    first**, and at how many times the load?
# 2. One of the four `notify` machines dies. The balancer's health check sees it after 3 s. **What share of requests
#    fails in those 3 s**, in per cent, if the balancer tries each request again once?
# 3. Sixteen servers at 90 % load, service times with a long tail. Round-robin has some p99. **How many times better is
#    it to look at two servers at random** and take the one with the shorter queue?
#
# Write your answers here before you read on.

# %%
my_first_full = None
my_times = None
my_failing_percent = None
my_two_choices_factor = None

# %% [markdown]
# ## Run
#
# ### Three lines before the first box
#
# The skeleton follows from what crosses its borders. Say the **API** and the **data model** in three lines each, and
# stop there:
#
# - `POST /notifications {user, text, key}` answers `202` and an id; the key makes a repeat harmless.
# - `GET /notifications/{id}` says what became of it.
# - `PUT /users/{id}/devices/{token}` registers a device.
#
# - `devices`: by user, the tokens and when each was last seen. Read for each notification.
# - `preferences`: by user, what they want to hear of. Read together with the devices.
# - `notifications`: by id, the state. Written once, updated a few times, kept for a month.
#
# All three are looked up by one key. No join, no transaction over users: remember it when you come to the store.
#
# ### A drawing that you can type
#
# On a call you type the drawing, and that text is the whole program: `x4` are four machines, brackets hold parameters,
# `[fanout=4]` behind an arrow makes four messages of one, and `name:type` says what a box is where its name does not.

# %%
from fortyfive.scenario.prompts import PROMPTS
from fortyfive.widgets.high_level_design import Drawing, components_table, designed, explore_load
from fortyfive.widgets.high_level_design import findings_table, ladder
from fortyfive.flow.designs import run
from fortyfive.widgets.table import Captioned

prompt = PROMPTS["notifications"]

skeleton = """
client -> lb -> notify x4
notify -> tokens:kv
notify -> queue ->[fanout=4] workers x20 -> apns
"""
trace = run(designed(skeleton), prompt.load)
Drawing(skeleton, "The skeleton at its peak: share of the time that each box is at work", trace)

# %%
Captioned(components_table(trace), "The skeleton under 500 requests a second, for 40 s")

# %% [markdown]
# Now let the load grow. One slider, 20,000 requests or more at each position; watch which bar hits the line first, and
# what `answered in time` says at that moment.

# %%
explore_load(skeleton, prompt)

# %% [markdown]
# ### One box at a time
#
# Nobody starts with that skeleton. Start with what the sentence says, run it, and add a box when a number asks for one.
# The last column is a judge: it runs the design under the load, with the provider twenty times as slow, with each
# machine dead in turn, and with twice the load.

# %%
steps = {
    "1 call the provider": "client -> notify -> tokens:sql; notify ->[fanout=4] apns",
    "2 more machines": "client -> lb -> notify x8 -> tokens:sql; notify ->[fanout=4] apns",
    "3 a queue": """
        client -> lb -> notify x4 -> tokens:sql
        notify -> queue ->[fanout=4] workers x20 -> apns
    """,
    "4 an end to everything": """
        client -> lb -> notify x4 -> tokens:sql
        notify -> queue [limit=1M, tries=5] ->[fanout=4] workers x20 -> apns
    """,
    "5 try again": """
        client -> lb ->[retry=3] notify x4 -> tokens:sql
        notify -> queue [limit=1M, tries=5] ->[fanout=4] workers x20 -> apns
    """,
    "6 a store with copies": """
        client -> lb ->[retry=3] notify x4 -> tokens:kv
        notify -> queue [limit=1M, tries=5] ->[fanout=4] workers x20 -> apns
    """,
}
Captioned(ladder(steps, prompt), "Each step mends what the row above it says")

# %% [markdown]
# The findings behind the second row, as an interviewer would have them:

# %%
from fortyfive.judgement.judge import judge

Captioned(findings_table(judge(designed(steps["2 more machines"]), prompt)), "What eight machines do not mend")

# %% [markdown]
# ### How many of each
#
# **Little's law** sizes every box in one multiplication: the requests inside are the rate times the time each stays, *L
# = λ W*. Two thousand pushes a second, 50 ms of our work and 50 ms of waiting for the provider: 200 at work at any
# moment. A worker machine has 16 slots, so 13 machines are busy all the time, and 20 are 63 % busy.
#
# Why not 14? Because a queue in front of busy servers does not grow in proportion. Move the number of servers, and
# watch where the stick bends. The curve is Erlang's formula, the points are 200,000 requests each.

# %%
from fortyfive.widgets.high_level_design import explore_wait

explore_wait()

# %% [markdown]
# ### Which of the sixteen
#
# The balancer chooses a server for each request. `round robin` takes turns, `random` throws dice, `least` looks at all
# sixteen and takes the one with the least to do, `two` looks at two at random and takes the better. Each server has a
# queue of its own, and all are busy for 90 % of the time.

# %%
from fortyfive.flow.events import Constant, Exponential, Lognormal
from fortyfive.widgets.high_level_design import balancing_table

services = {
    "always 20 ms": Constant(0.02),
    "exponential, mean 20 ms": Exponential(0.02),
    "long tail, mean 20 ms, p99 200 ms": Lognormal(0.02, 0.2),
}
balancing = balancing_table(services)
print("Your prediction for the last row, round robin over two:", my_two_choices_factor)
Captioned(balancing, "p99 of the time to an answer, in ms, by policy")

# %% [markdown]
# ### One machine is dead
#
# Redundancy says that the others take over. It does not say when. Here one of *n* machines dies, and for 3 s the
# balancer keeps sending it its share; each request that fails is tried again up to *k* times, on whatever machine the
# balancer chooses next.

# %%
from fortyfive.widgets.high_level_design import dead_instance_table

shortener = PROMPTS["url-shortener"].load.lasting(40)
print("Your prediction for 4 instances and 1 retry (%):", my_failing_percent)
Captioned(
    dead_instance_table([2, 4, 8], [0, 1, 2, 3], shortener),
    "Requests that fail until the dead one is noticed (%), and the formula beside it",
)

# %% [markdown]
# ### Twice the load
#
# Four machines that can do 3,200 requests a second. Answers count if they come within 200 ms. The columns differ in one
# number: how many requests may wait at a machine before it says no.

# %%
from fortyfive.widgets.high_level_design import overload_table

overload = overload_table(
    {
        "1,000 may wait": "client -> lb -> web x4 [backlog=1000]",
        "100 may wait": "client -> lb -> web x4 [backlog=100]",
        "20 may wait": "client -> lb -> web x4 [backlog=20]",
        "5 may wait": "client -> lb -> web x4 [backlog=5]",
    },
    rate_per_s=2_400,
    factors=[0.8, 1, 1.2, 1.5, 2],
)
Captioned(overload, "Good answers within 200 ms, a second")

# %% [markdown]
# ### A cache, by its keys
#
# People ask for the popular keys more often: the share of the key at rank *r* falls like 1/*r* to the power of 0.9
# here. How large a cache do you need? The formula is Che's approximation, the measurement a real least-recently-used
# cache that gets a million requests.

# %%
import numpy as np
import pandas as pd

from fortyfive.flow import caches

KEYS, SKEW = 200_000, 0.9
shares = caches.popularity(KEYS, SKEW)
asked = caches.zipf_keys(45, 1, 1_000_000, keys=KEYS, skew=SKEW)
at_ns = np.arange(asked.size) * 250_000


def measured_hits(size):
    answers = caches.lru(asked, at_ns, size=size)
    return (answers[asked.size // 2 :] == caches.HIT).mean()


sizes = [200, 2_000, 20_000, 60_000, 100_000]
cached = pd.DataFrame(
    {
        "of all keys (%)": [100 * size / KEYS for size in sizes],
        "hits, Che (%)": [100 * caches.che(shares, size) for size in sizes],
        "hits, measured (%)": [100 * measured_hits(size) for size in sizes],
    },
    index=pd.Index(sizes, name="entries"),
)
cached["requests left for the store (%)"] = 100 - cached["hits, measured (%)"]
Captioned(cached.round(1), "The hit ratio of a cache, by its size")

# %% [markdown]
# And what happens when the most popular key expires? Two per cent of 4,000 requests a second ask for it on top of its
# own share, and fetching it takes 20 ms. With `coalesce` one of them fetches, and the others wait for it.

# %%
hot = caches.zipf_keys(45, 2, 400_000, keys=KEYS, skew=1.0, hottest=0.02)
hot_at_ns = np.arange(hot.size) * 250_000


def hot_misses(ttl_s, coalesce):
    answers = caches.lru(hot, hot_at_ns, size=KEYS, ttl_s=ttl_s, fetch_s=0.02, coalesce=coalesce)
    return int((answers[hot == 0] == caches.MISS).sum())


lives = [60, 10, 1]
stampede = pd.DataFrame(
    {
        "fetches that it takes": [-(-100 // life) for life in lives],
        "queries for the hottest key": [hot_misses(life, False) for life in lives],
        "with coalescing": [hot_misses(life, True) for life in lives],
    },
    index=pd.Index(lives, name="time to live (s)"),
)
Captioned(stampede, "How often the store is asked for one and the same key, in 100 s")

# %% [markdown]
# ### A queue hides it
#
# The finished design, and 2.5 times the load that it was sized for. First what the caller sees, then what waits.

# %%
from fortyfive.widgets.high_level_design import over_time, path_row

finished = steps["6 a store with copies"]
busy_day = run(designed(finished), prompt.load.times(2.5))
Captioned(pd.DataFrame([path_row(trace), path_row(busy_day)], index=["the peak", "2.5 times"]), "The same design twice")

# %%
over_time(
    busy_day,
    "queue",
    title="Every caller is content, and the queue only grows",
    alt="Two curves over 50 seconds: messages waiting in the queue, and the age of the oldest, both rising for as "
    "long as the load lasts, and falling slowly afterwards.",
)

# %% [markdown]
# ### Somebody waits for news
#
# A million people have the app open, and want to hear of news within seconds. **Polling** asks every 5 s. **Long
# polling** asks, and the server answers when there is news, or after a minute, because balancers cut idle connections
# at about that time. A **WebSocket** stays open. A **push** needs no connection of yours at all, and you neither know
# when it arrives nor whether.

# %%
from fortyfive.numbers import fact

people, idle_s, kept = 1_000_000, fact("elb.idle-timeout-default").value, 100_000
waiting = pd.DataFrame(
    {
        "requests only to wait (1/s)": [people / 5, people / idle_s, 0, 0],
        "mean delay of news (s)": ["2.5", "0", "0", "nobody promises"],
        "open connections": [0, people, people, 0],
        "machines at 100,000 each": [0, people // kept, people // kept, 0],
    },
    index=["polling every 5 s", f"long polling, {idle_s:g} s", "WebSocket", "push provider"],
)
waiting["requests only to wait (1/s)"] = waiting["requests only to wait (1/s)"].round().astype(int)
Captioned(waiting, f"A million people who wait (idle time-out: {fact('elb.idle-timeout-default').cite()})")

# %% [markdown]
# ### The URL shortener
#
# The second prompt of this chapter has two numbers of its own. The **code**: seven characters of `[a-zA-Z0-9]`. Draw
# them at random, and the birthday problem decides how often two links get the same one:

# %%
from fortyfive.widgets.high_level_design import collision_table, measured_collisions

Captioned(collision_table([6, 7, 8], links=1e9), "Random codes for a billion links")

# %%
drawn = [10_000, 30_000, 100_000]
small = pd.DataFrame(
    {
        "expected, n²/2N": [round(count * count / 2 / 62**5, 1) for count in drawn],
        "counted": [measured_collisions(5, count) for count in drawn],
    },
    index=pd.Index(drawn, name="codes of 5 characters"),
)
Captioned(small, "The birthday problem, by counting")

# %% [markdown]
# The second number is the **status**. `301 Moved Permanently` may be kept by the browser for ever, so the next click
# does not come to you: less load, and no statistics, and no way to change the target. `302 Found` is asked each time.
# If clicks are counted, it is 302.
#
# And then one link goes viral: 30 % of all clicks go to it, at three times the ordinary peak. The store has 16 slots a
# shard, and the shard of a link is decided by its code.

# %%
from dataclasses import replace

from fortyfive.widgets.high_level_design import hot_key_table

clicks = PROMPTS["url-shortener"]
viral = replace(clicks.load.times(3).lasting(10), hottest=0.3)
stores = {f"{shards} shards": f"client -> lb -> redirect x24 -> links:kv x{shards}" for shards in (4, 8, 16)}
stores["4 shards, a cache before them"] = """
    client -> lb -> redirect x24 ->[optional] cache x3 [hit=0.9, coalesce]
    redirect ->[only=miss] links:kv x4
"""
Captioned(hot_key_table(stores, "links", viral), "12,000 clicks a second, 30 % of them on one link")

# %% [markdown]
# ### One service or six
#
# The same 30 ms of work on the same six machines: once in one program on each, once cut into three services, once into
# six, one calling the next. Each call crosses the network in 1 ms, and each service fails one request in a thousand.

# %%
from fortyfive.scenario.prompts import Operation, Scenario

chains = {
    "one service": "client -> lb -> all x6 [time=30ms, errors=0.001]",
    "three in a row": """
        client -> lb -> a x2 [time=10ms, errors=0.001] ->[delay=1ms] b x2 [time=10ms, errors=0.001]
        b ->[delay=1ms] c x2 [time=10ms, errors=0.001]
    """,
    "six in a row": "client -> lb -> a"
    + "".join(f"; {here} ->[delay=1ms] {there}" for here, there in zip("abcde", "bcdef", strict=True))
    + "".join(f"; {name} [time=5ms, errors=0.001]" for name in "abcdef"),
}
ask = Scenario((Operation("ask", "somebody asks", 900, answer_p99_s=0.2),), span_s=30)
split = {}
for name, text in chains.items():
    result = run(designed(text), ask)
    path = result.paths["ask"]
    split[name] = {
        "p50 (ms)": round(1e3 * path.answer_s[0]),
        "p99 (ms)": round(1e3 * path.answer_s[2]),
        "failed (%)": round(100 * (1 - path.available), 2),
        "first machine busy (%)": round(100 * max(each.utilisation for each in result.components.values())),
    }
Captioned(pd.DataFrame(split).T, "900 requests a second through one service, three, or six")

# %% [markdown]
# ### Draw it yourself
#
# The board below holds the finished design. Drag, connect, or type in the text: both follow each other. **Run** puts
# the load of the prompt on it. Take the queue out and run it; put it back, and take a worker machine away until the
# promise breaks.

# %%
from fortyfive.widgets.board import draw

draw(finished, prompt=prompt)

# %% [markdown]
# ## What happened
#
# ### The box that is full first
#
# It is the workers, at 1.6 times the load, and you can say it before you run anything: 500 × 4 pushes a second, 100 ms
# each, are 200 slots at work; there are 20 × 16 = 320; and 320 / 200 = 1.6. Do this for every box, and the smallest
# ratio is the answer. The mistakes are always the same three: to forget the fan-out, to forget that a service holds its
# slot while it waits for others, and to look at the box with the longest time instead of the one with the fewest slots
# for it.
#
# What nobody expects is the other column: **the answers do not get slower, not at four times the load**. The queue has
# cut the system in two. On its left, everything is as fast as before. On its right, at 2.5 times the load, a push is 18
# s late at the end of 40 s, and gets later. A dashboard of response times is green all the while. So a queue comes with
# two numbers of its own: its **limit**, and an alarm on the **age of the oldest message**, not on its length, because
# the age is what you promised.
#
# How long until it is well again? It holds 72,000 messages, and at the ordinary peak the workers have 3,200 − 2,000 a
# second to spare: a minute. Say that sentence before they ask.
#
# ### What each box was for
#
# - **Call the provider** is the sentence of the prompt, and it falls over at once: a request holds its slot for 20 ms
#   of our own work, the store's answer and the provider's 50 ms, and one machine has 16 slots for 500 requests a
#   second.
# - **More machines** mend that, at a price, and not the worst: the answer waits for somebody else. On a day on which
#   the provider is twenty times as slow, so is your API, with eight machines that sit and wait.
# - **The queue** halves the machines that face the caller, because they no longer wait, and lets the provider be as
#   slow as it likes. It costs a worker pool, the largest line of the bill.
# - **An end to everything**: the same row of numbers, to the digit. A limit and a dead letter earn nothing on a good
#   day. They are what the next question is about.
# - **Try again** and **a store with copies** are about machines that die.
#
# Vertical or horizontal? One machine of 128 slots would have carried step 2 as well, and needs no balancer. It is the
# better answer for longer than people think; what it cannot do is die.
#
# ### Dead is not the same as noticed
#
# One of four is dead, and 25 % of the requests fail until somebody notices, however many machines you have bought.
# Redundancy alone gives 75 % for 3 s. What gives you the nines is the **retry on another machine**: it fails only if it
# meets the dead one again, so *k* retries leave (1/*n*)^(*k*+1). Four machines and one retry leave 6 %, three retries
# 0.4 %. Eight machines need two for that.
#
# Two rows do not follow the formula, those with two machines. Two of them are 63 % busy each; one alone would have to
# be 126 % busy. **A pair at more than half of its capacity is not redundant.** And each retry is load, on machines that
# have lost one of theirs: that is topic 09.
#
# ### Utilisation is not efficiency
#
# One server at 90 % makes you wait for nine service times on average, because arrivals are not evenly spaced. The
# formula for one is ρ / (1 − ρ), and from 90 to 95 % it doubles. **Sixteen servers behind one queue, at the same 90 %,
# make you wait for 0.37**, and 128 for 0.01. So "keep it below 70 %" is right for a few and a waste for many: say how
# many share the queue. The note beside it: sixteen queues of one server each are not one queue of sixteen.
#
# That is what a balancer is for, and the table shows how much of it you get back. With equal times, turns are perfect
# and cost nothing. With a long tail, turns are nearly as bad as dice: a request lands behind one that takes 200 ms, and
# the balancer does not know. Looking at **two random servers** takes the p99 from over 2 s to 0.75 s, and looking at
# all sixteen to 0.45 s. Two is what you say when there are many balancers, none of which sees all servers: most of the
# effect, for an eighth of the knowledge (M. Mitzenmacher and E. Upfal, *Probability and Computing*, chapter 14). And
# for equal times it is *worse* than taking turns.
#
# ### A no in time is worth more than a yes too late
#
# 3,600 requests a second are an eighth more than four machines can do. With a backlog of 1,000 they work without a
# pause, and 207 of the 3,600 answers come in time: everybody waits for over a second. With a backlog of 20 they serve
# 3,217 in time, and say no to the rest. Nothing else was changed. The length of the line divided by the rate of the
# servers is how long the last one waits: 1,000 / 800 a second is 1.25 s, and the promise was 0.2.
#
# ### The cache is about what is left
#
# A tenth of the keys gives 62 % of the hits, half of them 87 %. Do not look at the hits. **The store sees the misses**:
# from 62 to 87 % they fall from 38 to 13 of a hundred, to a third. And if the cache dies, the store sees all hundred:
# size it for that, or say which requests you turn away.
#
# A time to live of 1 s on the hottest key means one query a second, one would think. It is over eight, because while
# the first is on its way, everybody else misses too; the slower the store, the more of them there are. Coalescing lets
# one of them ask. Facebook's memcache did that with leases, and went from 17,000 queries a second to 1,300 at the peak
# (R. Nishtala et al., NSDI 2013; read second-hand).
#
# ### One key is one shard
#
# At 30 % of the clicks on one link, four shards are half busy on average, and one of them is full. **Sixteen shards are
# a sixth busy, and that one is still full**: more shards divide everything but the hot key. It belongs into a cache, in
# front of the store or in the memory of each server, for the second or two that nobody minds.
#
# The codes are simpler. A billion links in 62⁷ codes, drawn at random: the next one is taken in 0.03 % of the cases, so
# you try again, and nobody notices. But it must be *checked*, with a conditional write: among a billion there would be
# 142,000 pairs. A counter never collides, and then everybody can guess the next link.
#
# ### Six services
#
# Cut into three, the same work has a better p99 (many short turns instead of a long one), a p50 that is half as long
# again, three times the failures, and a first machine that is 90 % busy: it **holds its slot while it waits** for the
# others. Cut into six, it collapses, at a load that left the monolith idle for most of the time. Event-driven servers
# do not hold a slot, and pay in memory instead; nobody gets the network and the failures back. Services are a way to
# let teams deploy on their own. Say that, and say how many teams there are.
#
# ### Who waits, and how
#
# A million who poll every 5 s are 200,000 requests a second that carry nothing. A WebSocket carries nothing at all
# until there is news, and ten machines that must not all be restarted at once: a million who reconnect in the same
# second are the load you were afraid of. For a notification on a phone that lies on a table, none of the three: push.
#
# ### One line of security for each arrow
#
# You have ten minutes, so one line each, said while you draw:
#
# | arrow | say |
# |---|---|
# | client to gateway | TLS; who calls is checked here once; a rate limit for each caller |
# | gateway to service | the caller's identity goes along, signed; nothing else reaches the service |
# | service to store | a role that may read and write this one table, and not delete it |
# | service to queue | may send, may not read; messages are encrypted where they lie |
# | workers to provider | the provider's key is in a vault, is rotated, and only workers can read it |
#
# A redirector has one more: somebody will shorten a link to malware. A list of bad targets, and a way to take a code
# down within minutes.

# %% [markdown]
# ## Say it
#
# > "I start with what the sentence says, one service that calls the provider, and let the numbers add boxes. Two
# > thousand pushes a second at 100 milliseconds are 200 at work at any time: that does not belong into the request."
#
# > "The queue is there for one reason: our caller is promised 200 milliseconds, and the provider promises nothing. It
# > costs us a worker pool, our largest line, and one more thing that can be late without anybody noticing, so I alarm
# > on the age of the oldest message."
#
# > "Workers: 200 busy slots, 320 there, so they are full at 1.6 times this peak. That is the first box to break, and it
# > breaks quietly."
#
# > "Four machines are redundant because three can carry the load. Until the health check notices, a quarter of the
# > requests meets the dead one; with three retries that is 0.4 per cent, for three seconds."
#
# > "I have left out a second region, a stream and a service for preferences. None of them is needed for what you asked;
# > a second region comes back with a promise of four nines."

# %% [markdown]
# ## Pushback
#
# **"Why not Kafka?"** (a probe) Neither agree nor defend: "At 500 a second, and with nobody who wants to read the past,
# a queue does it, and it has less to operate. If analytics wants the same events, or order within a user matters, I'd
# take a stream, and then the number of partitions is the number of workers that can read at once."
#
# **"Your load balancer is a single point of failure."** (a probe) "If it is one machine of ours, yes: then I'd run two
# behind one name. Rented, it is several machines in several zones behind one name, and its provider promises 99.99 % a
# month. That is about four minutes, and less than what my own deployments will cost."
#
# **"You said four machines. What if one dies?"** (a real flaw, if all you had is four machines) "Three carry it: 31 %
# busy instead of 23. For the three seconds until it is noticed a quarter of the requests would fail, so the balancer
# tries them again elsewhere, which is safe because each carries a key."
#
# **"Put the cache in front, then the database is fine."** (the interviewer is wrong) "For reads of the same keys, yes.
# A sale multiplies *writes*, and a cache passes each of them on. And I'd still size the store for the day on which the
# cache is empty, or decide whom I turn away."
#
# **"Ten times the traffic."** (a change of the requirements) Say what stays: "The shape stays. Workers times ten, or
# better, batches towards the provider. The store is by key, so ten times the shards. What I'd look at again is the
# limit of the queue: a minute of backlog is ten times as many messages."
#
# **"Make each of these boxes a microservice."** (a probe) "Each cut costs a millisecond, a tenth of a per cent of
# failures, and a slot that waits. I'd cut where the load differs, workers from API, or where another team deploys."
#
# The arithmetic behind these sentences:

# %%
from fortyfive.widgets.high_level_design import mean_wait

said = {
    "500/s x 4 devices x 0.1 s (slots at work)": round(500 * 4 * 0.1),
    "20 workers x 16 slots over 200 (times)": 20 * 16 / 200,
    "72,000 messages at 1,200/s to spare (s)": round(72_000 / (3_200 - 2_000)),
    "wait of one server at 90 % (service times)": round(mean_wait(1, 0.9), 1),
    "wait of 16 servers at 90 % (service times)": round(mean_wait(16, 0.9), 2),
    "four machines, one dead, 3 retries (%)": round(100 * 0.25**4, 1),
    "backlog of 1,000 at 800/s (s)": 1_000 / 800,
    "99.99 % of a month (minutes)": round(0.0001 * 730 * 60, 1),
    "62 to the power of 7 (codes, 10^12)": round(62**7 / 1e12, 1),
    "a million people, every 5 s (requests/s)": 1_000_000 // 5,
}
Captioned(pd.Series(said, dtype=object).to_frame("value"), "Numbers to say aloud")

# %% [markdown]
# ## Check yourself
#
# - Every answer is within its promise, at four times the load. Why are you worried? *(The queue cuts the system in two,
#   and you are looking at its left half. Ask for the age of the oldest message.)*
# - A pair of machines is 60 % busy. Is it redundant? *(No: the one that is left would have to be 120 % busy.)*
# - You double the shards, and the store is as slow as before. What do you ask? *(How the load is spread over the keys.
#   A hot key stays on one shard.)*
# - When is round-robin better than two random choices? *(When all requests take equally long.)*
# - Which of your boxes would an interviewer take out? *(The one for which you cannot say a number.)*
#
# Then open exercise 04 (`exercises/04_high_level_design.ipynb`): draw a skeleton that meets its promises, carry ten
# times the load within a budget, keep 99.9 % with a machine dead, and take out what nobody needs.
