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
# their answer. One of our machines works on 16 requests at once. A request keeps `notify` busy for 29 ms, and a push
# keeps a worker busy for 50 ms, and then for the 50 ms of the provider.
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
# Ten minutes are short: one for the sentence that you have summed up, two for the API and the data, four for the
# drawing, with a number at each box, two for what breaks first, one for security. The skeleton follows from what
# crosses its borders, so say the **API** in three lines, and stop there:
#
# - `POST /notifications {user, text, key}` answers `202` and an id; the key makes a repeat harmless.
# - `GET /notifications/{id}` says what became of it.
# - `PUT /users/{id}/devices/{token}` registers a device.
#
# The **data model** in three more:
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
from fortyfive.widgets.high_level_design import (
    Drawing,
    components_table,
    designed,
    explore_load,
    findings_table,
    ladder,
)
from fortyfive.flow.designs import run
from fortyfive.widgets.table import Captioned

prompt = PROMPTS["notifications"]

skeleton = """
client -> lb -> notify x4
notify -> tokens:kv
notify -> queue ->[fanout=4] workers x20 -> apns
"""
trace = run(designed(skeleton), prompt.load)
Drawing(
    skeleton,
    "The skeleton at its peak: share of the time that each box is at work",
    trace,
)

# %%
Captioned(components_table(trace), "The skeleton under 500 requests a second, for 40 s")

# %% [markdown]
# The bill is for a month whose average is a fifth of this peak.
#
# Now let the load grow. One slider, 20,000 requests for each time the load; watch which bar hits the line first, and
# what `answered in time` says at that moment.

# %%
print("Your prediction:", my_first_full, "at", my_times, "times the load")
explore_load(skeleton, prompt)

# %% [markdown]
# ### One box at a time
#
# Nobody starts with that skeleton. Start with what the sentence says, run it, and add a box when a number asks for one.
# The last column is a judge: it runs the design under the load, with the provider twenty times as slow where the answer
# waits for it, with one machine of each box dead in turn, and with twice the load. While a promise is broken on a good
# day, it kills nothing.

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
Captioned(
    ladder(steps, prompt),
    "Each step mends something that is left over in the row above it",
)

# %% [markdown]
# The findings behind the second row, as an interviewer would have them:

# %%
from fortyfive.judgement.judge import judge

Captioned(
    findings_table(judge(designed(steps["2 more machines"]), prompt)),
    "What eight machines do not mend",
)

# %% [markdown]
# ### How many of each
#
# **Little's law** sizes every box in one multiplication: the requests inside are the rate times the time each stays, *L
# = λ W*. Two thousand pushes a second, 50 ms of our work and 50 ms of waiting for the provider: 200 at work at any
# moment. A worker machine has 16 slots, so 12.5 machines are busy all the time, and 20 are 62.5 % busy.
#
# Why not 14? Put the provider's bad days beside it:

# %%
from dataclasses import replace

import pandas as pd

from fortyfive.scenario.prompts import Slowdown

late = {}
for machines in (14, 20):
    text = skeleton.replace("x20", f"x{machines}")
    for slower in (1, 1.5, 2):
        bad_day = Slowdown("apns", 0, prompt.load.span_s, slower=slower)
        result = run(designed(text), replace(prompt.load, troubles=(bad_day,)))
        late[f"{machines} machines, provider at {50 * slower:g} ms"] = {
            "workers busy (%)": round(100 * result.components["workers"].utilisation),
            "done p99 (s)": round(result.paths["notify"].done_s[2], 2),
        }
Captioned(pd.DataFrame.from_dict(late, orient="index"), "The workers at the peak")

# %% [markdown]
# On a good day 14 are as quick as 20, at 89 %. How busy may a server be, then? Move the number of servers that share a
# queue, and watch where the stick bends. The curve is Erlang's formula, the points are 200,000 requests each.

# %%
from fortyfive.widgets.high_level_design import explore_wait

explore_wait()

# %% [markdown]
# ### Which of the sixteen
#
# The balancer chooses a server for each request. `round robin` takes turns, `random` throws dice, `least` (least
# connections) looks at all sixteen and takes the one that has the fewest requests, `two` looks at two at random and
# takes the better. Each server has a queue of its own, and all are busy for 90 % of the time. The last column is what
# no balancer can have: sixteen servers behind one queue.

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
# Redundancy says that the others take over. It does not say when. Here one of *n* machines dies and refuses what comes.
# For 3 s the balancer keeps sending it its share; each request that fails is tried again up to *k* times, 50 ms later
# and more, on whatever machine the balancer chooses then.

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
# And what happens when the most popular key expires? 387 of 4,000 requests a second ask for it here, and fetching it
# takes 20 ms. With `coalesce` one of them fetches, and the others wait for it.

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
Captioned(
    pd.DataFrame([path_row(trace), path_row(busy_day)], index=["the peak", "2.5 times"]),
    "The same design twice",
)

# %%
over_time(
    busy_day,
    "queue",
    title="Every caller is content, and what waits gets older,<br>even after the load has ended",
    alt="Two curves over 50 seconds. The messages waiting in the queue rise to 72,000 while the "
    "load lasts, for 40 seconds, and then fall. The age of the oldest rises to 14 seconds, and "
    "goes on rising, to 18 seconds at the end.",
)

# %% [markdown]
# ### Somebody waits for news
#
# A million people have the app open, and want to hear of news within seconds. **Polling** asks every 5 s. **Long
# polling** asks, and the server answers when there is news, or just before a minute is over, because balancers cut
# connections on which nothing was sent for that long. A **WebSocket** stays open, and needs a ping a minute for the
# same reason. A **push** needs no connection of yours at all, and you neither know when it arrives nor whether.

# %%
from fortyfive.numbers import fact

people, kept, answered_per_s = 1_000_000, 100_000, 16 / 0.02
idle = fact("elb.idle-timeout-default")
often, rarely, hold = people / 5, people / idle.value, people // kept
requests_per_s = np.array([often, rarely, 0, 0])
waiting = pd.DataFrame(
    {
        "requests only to wait (1/s)": requests_per_s.round().astype(int),
        "pings (1/s)": [0, 0, round(rarely), 0],
        "mean delay of news (s)": ["2.5", "about 0", "about 0", "nobody promises"],
        "machines to answer": np.ceil(requests_per_s / answered_per_s).astype(int),
        "machines to hold connections": [0, hold, hold, 0],
    },
    index=[
        "polling every 5 s",
        f"long polling, {idle.value:g} s",
        "WebSocket",
        "push provider",
    ],
)
Captioned(
    waiting,
    "A million people who wait; a machine gives 800 answers a second, or holds 100,000 "
    f"connections (idle time-out: {idle.cite()})",
)

# %% [markdown]
# ### The URL shortener
#
# The second prompt of this chapter has two numbers of its own. The **code**: seven characters of `[a-zA-Z0-9]`. Draw
# them at random, and the birthday problem says how often two links get the same one:

# %%
from fortyfive.widgets.high_level_design import collision_table, measured_collisions

Captioned(
    collision_table([6, 7, 8], links=1e9),
    "Random codes for a billion links, and how many pairs would be equal, unchecked",
)

# %%
drawn = [10_000, 30_000, 100_000]
small = pd.DataFrame(
    {
        "expected, n²/2N": [round(count * count / 2 / 62**5, 1) for count in drawn],
        "counted": [measured_collisions(5, count) for count in drawn],
    },
    index=pd.Index(drawn, name="codes of 5 characters"),
)
Captioned(small, "Pairs of equal codes, by the birthday problem and by counting")

# %% [markdown]
# The second number is the **status**. `301 Moved Permanently` may be kept by the browser for as long as it likes, so
# the next click does not come to you: less load, and no statistics, and no way to change the target. `302 Found` is
# asked each time, unless a header says otherwise (RFC 9110, 15.4.2 and 15.4.3). If clicks are counted, it is 302.
#
# And then one link goes viral: 30 % of all clicks go to it on top of its usual share, 36 % in all, at three times the
# ordinary peak. The store has 16 slots a shard, and the shard of a link is decided by its code. A **CDN** is a cache
# too, near the client and somebody else's; it may keep a 302 for as long as a header allows.

# %%
from fortyfive.widgets.high_level_design import hot_key_table

clicks = PROMPTS["url-shortener"]
viral = replace(clicks.load.times(3).lasting(10), hottest=0.3)
stores = {f"{shards} shards": f"client -> lb -> redirect x24 -> links:kv x{shards}" for shards in (4, 8, 16)}
stores["4 shards, a cache before them"] = """
    client -> lb -> redirect x24 ->[optional] cache x3 [hit=0.9, coalesce]
    redirect ->[only=miss] links:kv x4
"""
stores["4 shards, a CDN before it all"] = """
    client -> cdn [hit=0.9, coalesce] -> lb -> redirect x4 -> links:kv x4
"""
Captioned(
    hot_key_table(stores, "links", viral),
    "12,000 clicks a second, 36 % of them on one link",
)

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
Captioned(
    pd.DataFrame.from_dict(split, orient="index"),
    "900 requests a second through one service, three, or six",
)

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
# each, are 200 slots at work; there are 20 × 16 = 320; and 320 / 200 = 1.6. (The slider names them at 1.5 already: at
# 93 % on average, they are full in a busy second.) For `notify` it is 64 slots for 500 × 29 ms = 14.5, which is 4.4
# times. Do this for every box, and the smallest ratio is the answer. Three mistakes are common: to forget the fan-out,
# to forget that a service holds its slot while it waits for others, and to look at the box with the longest time
# instead of the one with the fewest slots for it.
#
# What few expect is the other column: **the answers hardly get slower, not at four times the load**. The queue has cut
# the system in two. On its left, everything is as fast as before. On its right, at 2.5 times the load, 5,000 messages
# come a second and 3,200 are done: after 40 s 72,000 wait, and the last of them for over 22 s, with 10 promised. (The
# table says 18 s, because it knows only those that were done when the run ended.) A dashboard of response times is
# green all the while. So a queue comes with two numbers of its own: its **limit**, and an alarm on the **age of the
# oldest message**, not on its length, because the age is what you promised.
#
# How long until it is well again? At the ordinary peak the workers have 3,200 − 2,000 a second to spare: for 72,000
# messages that is a minute. Say that sentence before they ask.
#
# ### What each box was for
#
# - **Call the provider** is the sentence of the prompt, and it falls over at once: a request holds its slot for 20 ms
#   of our own work, 5 ms of the store and the provider's 50 ms. 500 a second × 75 ms are 38 slots at work, and one
#   machine has 16.
# - **More machines** mend that, at a price: three would do, eight are at ease. They leave the worst: the answer waits
#   for somebody else. On a day on which the provider is twenty times as slow, so is your API, with eight machines that
#   sit and wait.
# - **The queue** takes the slots at work from 38 to 15, because nobody waits for the provider any more, and lets it be
#   as slow as it likes for a while. It costs a worker pool, the largest line of the bill.
# - **An end to everything**: the same row of numbers, to the digit. A limit and a dead letter earn nothing on a good
#   day. They are what the next question is about.
# - **Try again** and **a store with copies** are about machines that die. A relational store with a replica that
#   answers reads passes too, for USD 213 a month more. With one that only stands by it does not: 30 s until it has
#   taken over are longer than the promise can wait.
#
# Vertical or horizontal? One machine of 128 slots carries the load of step 2 as well (38 of them are at work), and
# needs no balancer. It is the better answer for longer than people think. But when it dies, everything does, and one
# day there is no larger one to buy.
#
# One line of the drawing is a convenience: no queue makes four messages of one. In the code `notify` writes all four,
# which is `notify ->[fanout=4] queue`, and the queue costs four times as much: USD 1,262, more than the workers.
#
# ### Dead is not the same as noticed
#
# One of four is dead, and 25 % of the requests fail until somebody notices, however idle the other three are.
# Redundancy alone gives 75 % for 3 s. What gives you the nines is the **retry**: it fails only if it meets the dead one
# again, so *k* retries leave (1/*n*)^(*k*+1). Four machines and one retry leave 6 %, which was your second prediction;
# three retries leave 0.4 %. Of eight machines two leave 0.2 %.
#
# A balancer that remembers which machine failed needs one retry only, and one that is not told to try again makes none:
# nginx does not repeat a `POST` that it has sent, unless you say that it is harmless (its documentation,
# `proxy_next_upstream`). That is what the key in the API is for. The 3 s are a setting too: an Application Load
# Balancer asks every 30 s and believes the second failure, if nobody says otherwise (its guide, health checks). And a
# machine that hangs, instead of refusing, costs a time-out for each try.
#
# One row leaves the formula, that of two machines, from two retries on. Both are 63 % busy; with two retries seven
# eighths of all requests land on the one that is left, and those are 110 % of what it can do. Once the balancer has
# noticed, that one gets them all, 126 %, and a fifth of them fails for as long as the other is dead. **A pair at more
# than half of its capacity is not redundant.** And each retry is load, on machines that have lost one of theirs: that
# is topic 09.
#
# ### Utilisation is not efficiency
#
# One server at 90 % makes you wait for nine service times on average, because neither the arrivals nor the service
# times are even. The formula for one is ρ / (1 − ρ), with ρ the share of the time that it is busy, and from 90 to 95 %
# it doubles. **Sixteen servers behind one queue, at the same 90 %, make you wait for 0.37**, and 128 for 0.01. So "keep
# it below 70 %" is right for a few; for many it has to be earned by something else: a slow provider, a dead machine,
# growth. That is why the answer is 20 workers and not 14: not the wait, but a provider that takes twice its time, which
# 20 bear and 14 do not.
#
# Sixteen queues of one server each are not one queue of sixteen. A balancer is there to make them so, and the table
# shows how near each comes. With equal times, taking turns is as good as one queue. With a long tail, turns are about
# as bad as dice: a request lands behind one that takes 200 ms and more, and the balancer does not know. Looking at
# **two random servers** takes the p99 from over 2 s to 0.75 s: three times better, which was your third prediction, and
# with other dice up to six. Looking at all sixteen makes it 0.45 s, and one queue would be at 0.23. Two is what you say
# when there are many balancers, and what each knows of the servers is a moment old: most of the effect, for an eighth
# of the knowledge (M. Mitzenmacher, *IEEE Transactions on Parallel and Distributed Systems* 12, 2001). And for equal
# times it is *worse* than taking turns.
#
# ### A no in time is worth more than a yes too late
#
# 3,600 requests a second are an eighth more than four machines can do. With a backlog of 1,000 they work without a
# pause, and 207 a second get their answer in time, nearly all of them in the first two seconds of the thirty: then the
# line has grown, and everybody waits in it. With a backlog of 20 the machines do all that they can in time, and say no
# to the rest. Nothing else was changed. The length of the line divided by the rate of the server is how long the last
# one waits: 1,000 / 800 a second is 1.25 s, and the promise was 0.2. Too short a line costs as well: with 5, one
# request in forty is turned away at 90 %, and none would have to be.
#
# ### The cache is about what is left
#
# A cache for a tenth of the keys answers 62 % of the requests, one for half of them 87 %. Do not look at the hits.
# **The store sees the misses**: from 62 to 87 % they fall from 38 to 13 of a hundred, to a third. And if the cache
# dies, the store sees all hundred: size it for that, or say which requests you turn away.
#
# A time to live of 1 s on the hottest key means one query a second, one would think. It is over eight. Little's law
# again: 387 a second × 20 ms are nearly eight more that come, and miss, while the first is on its way; the slower the
# store, the more of them there are. Coalescing lets one of them ask. Facebook's memcache did that with leases, and for
# keys that suffered from it went from 17,000 queries a second to 1,300 at the peak (R. Nishtala et al., NSDI 2013; read
# second-hand).
#
# ### One key is one shard
#
# 36 % of 12,000 clicks are over 4,200 a second for one link; 4 ms each, that is 17 slots, and its shard has 16. **Four
# shards are half busy on average, sixteen are a sixth busy, and that one is full in both cases**: more shards divide
# everything but the hot key. And look at p50. Two thirds of the clicks are for other links, and they are late too,
# because each redirector's slots are held by requests that wait for the full shard. A full shard is no quirk of ours: a
# partition of DynamoDB gives 3,000 read units a second, and no more (the book's page of facts).
#
# The hot key belongs into a cache, in front of the store or in the memory of each server, for the second or two that
# nobody minds. The CDN needs the fewest machines, and has a p50 of 5 ms (and the run has no distances: far away it
# saves a round trip as well). It costs nearly four times as much as the cache, because it is paid by the request: it
# earns its money with pictures and films, less with redirects. And the clicks that it answers must be counted from its
# logs.
#
# The codes are simpler. A billion links in 62⁷ codes, drawn at random: the next one is taken in 0.03 % of the cases, so
# you try again, and nobody notices. But it must be *checked*, with a conditional write: among a billion there would be
# 142,000 pairs. A counter never collides; but everybody can guess the next link, unless you shuffle its numbers.
#
# ### Six services
#
# Cut into three, the same work has a p50 that is half as long again, three times the failures, and a first machine that
# is 90 % busy: it **holds its slot while it waits** for the others. (The better p99 is a gift of the dice: three
# independent times vary less than one that is three times as long.) Cut into six, it collapses, at a load that left the
# monolith idle for most of the time. Little's law says why no other split of the six machines would save it: the six
# services hold a request for 35, 29, 23, 17, 11 and 5 ms, which at 900 a second are 108 slots, and there are 96. One
# service needs 27. Event-driven servers do not hold a slot, and pay in memory instead; nobody gets the network and the
# failures back. Services are a way to let teams deploy on their own. Say that, and say how many teams there are.
#
# ### Who waits, and how
#
# A million who poll every 5 s are 200,000 requests a second that carry nothing, and 250 machines to answer them. A
# WebSocket needs as many pings as long polling needs requests, but each is a few bytes, without headers and without a
# check of who asks. It costs ten machines that must not all be restarted at once (a million who reconnect in the same
# second are the load you were afraid of), and somebody has to know who is connected to which. For a notification on a
# phone that lies on a table, none of the three: push.
#
# ### One line of security for each arrow
#
# You have ten minutes, so one line each, said while you draw:
#
# | arrow | say |
# |---|---|
# | client → lb | TLS; who calls is checked at the entry; a rate limit for each caller |
# | lb → notify | the caller's identity goes along, signed; may it notify this user? nobody else gets in |
# | notify → tokens | a role that may read and write this one table, and not drop it; encrypted where it lies |
# | notify → queue | may send, may not read; messages are encrypted, and no secret stands in them |
# | queue → workers | may read, may not send; a message is checked like any input |
# | workers → apns | TLS; the provider's key is in a vault, is rotated, and only workers can read it |
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
# > a second region comes back with a promise of four nines: each part here promises at most that, and we need all of
# > them."

# %% [markdown]
# ## Pushback
#
# **"Why not Kafka?"** (a probe) Neither agree nor defend: "At 500 a second, and with nobody who wants to read the past,
# a queue does it, and it has less to operate. If analytics wants the same events, or order within a user matters, I'd
# take a stream, and then the number of partitions is the number of workers of one group that can read at once."
#
# **"Your load balancer is a single point of failure."** (a probe) "If it is one machine of ours, yes: then I'd run two
# behind one name. Rented, it is several machines in several zones behind one name, and its provider promises 99.99 % a
# month, which allows four minutes. A promise is a refund and not a guarantee, so I'd still measure it."
#
# **"You said four machines. What if one dies?"** (a real flaw, if all you had is four machines) "Three carry it: 30 %
# busy instead of 23. For the three seconds until it is noticed a quarter of the requests would fail, so the balancer
# tries them again elsewhere, which is safe because each carries a key."
#
# **"Put the cache in front, then the database is fine."** (the interviewer is wrong) "For reads of the same keys, yes.
# A sale multiplies *writes*, and a cache passes each of them on. And I'd still size the store for the day on which the
# cache is empty, or decide whom I turn away."
#
# **"Ten times the traffic."** (a change of the requirements) Say what stays: "The shape stays. Workers times ten, or
# five if a slot is not held while the provider takes its 50 ms: APNs takes many requests at once over one connection.
# The store is by key, so ten times the shards. What I'd look at again is the limit of the queue: a minute of backlog is
# ten times as many messages."
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
    "500/s x 75 ms, with the provider (slots at work)": 500 * 0.075,
    "500/s x 29 ms, without it (slots at work)": 500 * 0.029,
    "72,000 messages at 1,200/s to spare (s)": round(72_000 / (3_200 - 2_000)),
    "wait of one server at 90 % (service times)": round(mean_wait(1, 0.9), 1),
    "wait of 16 servers at 90 % (service times)": round(mean_wait(16, 0.9), 2),
    "four machines, one dead, 3 retries (%)": round(100 * 0.25**4, 1),
    "backlog of 1,000 at 800/s (s)": 1_000 / 800,
    "99.99 % of a month (minutes)": round(0.0001 * 730 * 60, 1),
    "900/s x 120 ms in six services (slots at work)": round(900 * 0.120),
    "36 % of 12,000/s x 4 ms (slots at work)": round(0.36 * 12_000 * 0.004),
    "387/s x 20 ms (misses behind the first)": round(387 * 0.02),
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
