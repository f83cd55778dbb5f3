# %% [markdown]
# # 09 Failure modes: why it does not come back
#
# "The provider hangs for ten seconds. What happens?" Most answers end with the tenth second. You will predict how long
# two outages last, and be wrong about at least one; run both, and find out what ends them and what only sounds as if it
# would. About 40 minutes.

# %% [markdown]
# ## In the room
#
# Your skeleton stands: services call services, a queue feeds the workers, the workers call APNs. The interviewer draws
# a small cross on one of the boxes.
#
# > "This one hangs for ten seconds. How long are you down?"
#
# A weak answer: *"About ten seconds. We have a time-out of one second and three tries with exponential backoff and
# jitter, so the requests get through as soon as it's back. And the workers scale out to drain the queue."* Each of
# these is good practice. The interviewer asks for the arithmetic.
#
# The words, as this course uses them:
#
# - **Load** is what users ask for. **Calls** are what arrives, retries included. **Capacity** is what can be finished.
# - **Goodput** counts the answers that somebody still waits for. Throughput counts all of them.
# - A **trigger** starts an outage: a hang, a deployment, a spike. What keeps it going is something else.

# %% [markdown]
# ## Predict
#
# **A service.** Ten servers need 0.1 s a call on average, so they can finish 100 calls a second. Users make 80 requests
# a second. A caller gives up after 1 s, and tries up to three times, with exponential backoff (0.1 s, doubled, at most
# 1 s) and full jitter. In second 60 the service hangs for ten seconds: it takes calls in and starts none. Then it works
# as before.
#
# 1. How many seconds after the end of the hang are at least 97 % of the requests answered again?
#
# **A queue.** Notifications come at 20 a second. The provider can take 60 calls a second. It is down and refuses at
# once for 20 minutes, and 24,000 messages wait. A worker gives up on a call after 1 s, and a message that failed comes
# back later.
#
# 2. How many minutes after the outage is the backlog gone with 30 workers? And with 100?

# %%
my_recovery_s = None
my_minutes_with_30 = None
my_minutes_with_100 = None

# %% [markdown]
# ## Run
#
# The service is a few lines. The engine behind it simulates each call: who waits, who gives up, who tries again. Time
# is simulated too, and the same seed gives the same run everywhere.

# %%
from fortyfive.flow.events import (
    Backoff,
    Call,
    Client,
    Exponential,
    Outage,
    Retry,
    Station,
    System,
    simulate,
)

users = Client("users", rate_per_s=80)
service = Station("service", servers=10, service=Exponential(0.1))
call = Call("users", "service", timeout_s=1, retry=Retry(3, Backoff(0.1, 1.0)))
hang = Outage("service", start_s=60, end_s=70, hangs=True)

run = simulate(System((users,), (service,), (call,), (hang,)), span_s=300, buckets=300)
print(f"{run.arrived:,} requests, {run.served:,} of them answered in time")

# %% [markdown]
# Move the first slider: how long does the service hang? Look for the place between "nothing happened" and "never
# again". The upper curve is goodput. The lower one is what arrives. (The other sliders: what is done about it, the
# load, and how often a request is tried.)

# %%
from fortyfive.widgets.failure_modes import explore_hang

explore_hang()

# %% [markdown]
# Now the queue. The upper curve is what has not been sent; the lower ones are what the provider does: for messages that
# are then done, and for workers that have given up. Move the number of workers down from 100.

# %%
from fortyfive.widgets.failure_modes import explore_drain

explore_drain()

# %%
from fortyfive.widgets.failure_modes import back_after_s, drain_row, long_outage

drained = {}
for workers in (30, 100):
    drained[workers] = drain_row(long_outage(workers=workers))["drained after (min)"]
recovery = back_after_s(run, up_s=70)
recovery = "never" if recovery is None else recovery
print(f"Good again after (s): {recovery}   (your prediction: {my_recovery_s})")
print(f"30 workers (min): {drained[30]}   (your prediction: {my_minutes_with_30})")
print(f"100 workers (min): {drained[100]}   (your prediction: {my_minutes_with_100})")

# %% [markdown]
# ## What happened
#
# ### The trigger is gone, the load is not
#
# Nothing is broken any more. Look at the service as its own dashboard does:

# %%
from fortyfive.widgets.failure_modes import before_and_after
from fortyfive.widgets.table import Captioned

Captioned(before_and_after(run), "The service before the hang, and minutes after it")

# %% [markdown]
# All servers are busy, and they finish *more* calls than before, without one error. Every one of them is for a caller
# who has gone. When a call waits for over a second, its caller gives up and tries again, and nobody tells the service:
# the old call is still in the queue, and will be done.
#
# So as long as nobody is answered in time, every request comes three times: 80 × 3 = 240 calls a second, for a service
# that finishes 100. The queue grows by 140 a second, every call in it waits for longer than a second, and nobody is
# answered in time. **The load that keeps it down is made by its being down.**
#
# That is a *metastable failure* (Bronson, Aghayev, Charapko and Zhu, HotOS 2021; second-hand, 2026-11-21): at the same
# load the system has two states that last, and a trigger moves it from one to the other. The cause is not the trigger.
# It is the loop, and the loop was there before, on every quiet day.
#
# Two numbers say how near you are. The first is the load at which the loop feeds itself: **load × tries > capacity**.

# %%
from fortyfive.widgets.failure_modes import rate_table

loads_per_s = [20, 30, 32, 40, 60, 80]
Captioned(rate_table(loads_per_s), "The same hang of ten seconds, at other loads")

# %% [markdown]
# With three tries the line is at a third of the capacity, 33 a second. Stay a third below it: at the line itself chance
# decides, and at 32 a second three runs of six are not back before the five minutes end. A service at 80 % of its
# capacity is far above. It works, and it is one push away from not working: it is *vulnerable*. The second number is
# how hard a push:

# %%
from fortyfive.widgets.failure_modes import outage_table

hangs_s = [0.5, 0.75, 1, 1.5, 2]
Captioned(outage_table(hangs_s), "Ten runs of each, with dice of their own")

# %% [markdown]
# Whoever comes last in a hang of *T* seconds finds load × *T* others waiting, and waits load × *T* / capacity. It tips
# where this comes near the time-out: at 1.25 s by this sum, and earlier with some bad luck, because the first in line
# have waited for the hang itself. At one second it is a coin toss, and two seconds are always enough. A load test that
# hangs the service for half a second is green each time.
#
# ### What brings it back, and what does not
#
# The hang of ten seconds once more, with one thing changed at a time. Try to sort the names before you look; the
# explorer has them as a slider.

# %%
explore_hang(main="defence")

# %%
from fortyfive.widgets.failure_modes import defence_table

defences = defence_table()
Captioned(defences, "A hang of ten seconds, and one thing done about it")

# %% [markdown]
# Three kinds.
#
# - **What keeps the queue short cures at once.** At most 50 may wait: half a second of work. Or nobody who has waited
#   for over half a second is served. Or the newest goes first: then the old ones wait, but they have gone anyway. The
#   limit has to be *less than the time-out*: a queue of 200 is two seconds of work, so everybody in it is late, and it
#   stays full for ever.
# - **What makes the tries fewer cures slowly.** Without retries, 80 a second come and 100 are finished, so the 800
#   calls of the hang shrink by 20 a second: 35 s until fewer than 100 are left. With a **retry budget** of 10 % it is
#   88 against 100, so 58 s. The table above is one run, and one run is luck: the next has ten of each. A **breaker** is
#   quick, because it opens in the hang, and the queue stops growing.
# - **What only moves things is no cure.** Longer backoff and jitter spread the tries over time, and they are as many as
#   before. A longer time-out asks for a longer hang, 6 s instead of 1.25, and then it is the same. Twice the servers
#   can do 200 a second, and 240 come. Dropping those who gave up sounds best of all, and leaves 9 % of the requests
#   answered: the service then takes the *oldest caller who is still there*, and finishes just after that one has left.

# %%
from fortyfive.widgets.failure_modes import recovery_table

slow_cures = {"no retries": 80, "a retry budget of 10 %": 80 * 1.1}
title = "From the end of a hang of ten seconds until it is good again"
Captioned(recovery_table(slow_cures), title)

# %% [markdown]
# On call you do not have time to deploy a breaker. You turn users away at the door. For how long?

# %%
from fortyfive.widgets.failure_modes import quiet_table

quiet = quiet_table([30, 120, 180, 240])
Captioned(quiet, "From second 150 on, one user in ten is let in for a while")

# %% [markdown]
# Until the queue is empty, and it empties at capacity minus calls: 100 − 3 × 8 = 76 a second. At 180 s nearly all of it
# was gone, and it came back: 287 calls are nearly three seconds of work, and **nearly empty is still over the
# time-out**. A restart throws the queue away at once, but the callers of the last second are still trying. So shut the
# door, restart, and open it slowly.
#
# ### A time-out is a quantile
#
# Where does the "one second" come from? From the latency of good days. A time-out at the p99 gives up on one good call
# in a hundred, and each comes a second time. Amazon's Builders' Library starts from the share of false time-outs you
# accept, for instance:

# %%
from fortyfive.numbers import fact
from fortyfive.widgets.failure_modes import timeout_table

accepted = fact("retry.false-timeouts")
percentile = 100 - accepted.value
print(f"{accepted.value:g} {accepted.unit}, so the p{percentile:g} ({accepted.cite()})")
Captioned(
    timeout_table([0.5, 0.9, 0.99, 0.999, 0.9999]),
    "80 calls/s; half take under 0.05 s, one in a hundred over 0.5 s",
)

# %% [markdown]
# The column in the middle is why it should be a *far* quantile. Let everything be twice as slow, on a bad afternoon:
# the time-out at p90 now gives up on 29 % of the calls and sends them again, to a service that is slow already. The
# last column is the price of the far one. A caller whose call hangs is held until the time-out, and Little's law says
# how many are: rate × time-out.
#
# If the far quantile is longer than your own caller waits, the callee's tail is the problem, and no time-out repairs
# it. An inner time-out must be shorter than the outer one, tries included, or you work for nobody. Better: pass the
# **deadline** on with the call, so that each layer knows when to stop.
#
# ### Jitter: ten thousand devices
#
# A gateway is restarted and is down for a second. Ten thousand devices notice it within 0.2 s, and all of them connect
# again until it works, waiting 1 s, doubled each time, at most 8 s. The gateway takes 2,000 calls a second. *Full*
# jitter waits a random share of that, *equal* half of it and a random share of the other half (M. Brooker, AWS
# Architecture Blog, 2015; second-hand). Move the slider.

# %%
from fortyfive.widgets.failure_modes import explore_herd

explore_herd()

# %%
from fortyfive.widgets.failure_modes import herd_table

Captioned(herd_table([2, 8, 32]), "Ten thousand devices, for a minute")

# %% [markdown]
# Without jitter the crowd stays a crowd. It comes back as one, 50,000 calls a second within a fifth of a second, some
# six hundred get in, and the others wait in step for the next time. Backoff alone makes the waves rarer, and hardly
# smaller.
#
# With full jitter there is one broad wave, and it thins out within seconds. The last column has a floor that no policy
# can beat: 10,000 / 2,000 + 1 = 6 s, the time the crowd needs. What decides how near you come is the **cap**: at 32 s
# the last device sleeps long after there is room. How short may it be?

# %%
shorter = herd_table([1, 2, 3, 6], ["full"])
Captioned(shorter, "The same crowd with full jitter and a shorter cap")

# %% [markdown]
# A third to a half of the time the crowd needs: at 2 or 3 s the last one is in after 7 or 8, and the peak is hardly
# higher. Below that the peak rises, to 22,000 at 1 s, and each device makes 7.6 calls instead of 4. So jitter decides
# the peak, and the cap decides the last one. (*Decorrelated* jitter draws each wait from between the base and three
# times the wait before; in Brooker's comparison it does about as well as full jitter.)
#
# What jitter does not do: put a bound on the calls. At a cap of 8 s each device still makes about four, and three of
# them are refused.
#
# ### Where to retry
#
# A request passes through layers, and each of them tries three times, because each was written by somebody careful.
# The last one is dead, or half of its answers fail. How many calls does it get for one request?

# %%
from fortyfive.widgets.failure_modes import amplification_table, calls_at_the_bottom

title = "Calls at the bottom for each request; last two: half of its answers fail"
Captioned(amplification_table(), title)

# %%
top, bottom = calls_at_the_bottom(5, only=0), calls_at_the_bottom(5, only=4)
known = fact("retry.amplification")
print(f"five layers, all of them retry: {known.value:g}{known.unit} ({known.cite()})")
print(f"five layers, one of them retries: {top:g} at the top, {bottom:g} at the bottom")

# %% [markdown]
# *r* tries in *n* layers are *r*ⁿ calls. The right end of the table shows why nobody notices before: with half of the
# answers failing the sum is only 2. A layer whose call fails with chance *q* makes 1 + *q* + *q*² calls, and the layer
# above it sees *q*³. **Retries are nearly free while failures are rare and independent, and cost most when everything
# fails**: that is, when the bottom can bear it least.
#
# So retry in **one** layer. The one at the top knows the deadline and whether anybody still waits; the one at the
# bottom repeats the least work. The others pass the error up. And give it a **budget**: a bucket of tokens that each
# request fills by a tenth of a token and each retry empties by one. Then even five careless layers make 1.1⁵ = 1.6
# calls. The limit "three tries" bounds one request, and a budget bounds all of them together: only the second is a
# statement about load.
#
# ### Down is easy, slow is hard
#
# A page makes a side call for recommendations, and can do without: where the *optional* call fails, the page is shown
# without it, which is **graceful degradation**. A hundred pages a second, 50 servers. The side call takes 0.05 s, until
# it is down, or takes 2 s. (A page that takes over 2 s has lost its user.)

# %%
from fortyfive.widgets.failure_modes import side_call_table

Captioned(side_call_table(), "Two bad minutes of a side call")

# %% [markdown]
# Down is no trouble at all: a refusal costs nothing. **Slow takes everything**, although the page does not need the
# answer. It is Little's law again: 100 pages a second × 2 s are 200 servers, and there are 50. With a time-out of 1 s
# it takes 100 of them. With one of 0.3 s it takes 30, and works.
#
# - A **bulkhead** says how many of your servers may stand there at once: 20 of 50. The other pages do without. It works
#   even without a time-out; 4 % of the pages come too late.
# - A **breaker** opens after half of the last 20 calls have failed, refuses for 5 s, then lets a few through as probes
#   (*half-open*): if they succeed it closes, if one fails it opens again. The side call sees one call a second instead
#   of a hundred, and can recover.
# - In practice, send **one probe at a time**: each of your servers has a breaker, and their probes add up. Two cases
#   are easily forgotten. A probe whose caller dies reports nothing, so give it a time after which the next may go, or
#   the breaker waits for ever. And a late answer to a call from before the breaker opened is *stale*: it says nothing
#   about now, and must not close it.
# - But look at the breaker *without* a time-out. It never opens. **A breaker counts failures, and slow is no failure
#   until a time-out makes it one**, unless yours counts slow calls too.
# - And the last row: a breaker makes failing quick and cheap. It does not make an answer. Without something to show
#   instead it turns a slow page into a fast error.
#
# Against calls that are slow only now and then there is the *hedged request*: ask a second server when the first has
# not answered by its p95, and take the answer that comes first. That is 5 % more calls on a good day, and many more
# when all are slow, so it needs a budget like any retry.
#
# ### What a breaker counts
#
# A push provider works without a fault. Some of the tokens you send to are dead: the app was removed, the phone was
# replaced. For those it answers 410, correctly. Your breaker counts every answer that is not 200.

# %%
from fortyfive.widgets.failure_modes import dead_token_table

title = "A healthy provider behind a breaker that counts a 410, 50 pushes a second"
Captioned(dead_token_table(), title)

# %% [markdown]
# The middle column is the binomial distribution: how likely are 10 of 20 to fail? At a fifth of dead tokens it is one
# window in four hundred. But each push makes a new window, so it happens several times a minute, and the breaker
# refuses a quarter of all pushes, to a provider that never failed. A campaign to users who have long been away may do
# it.
#
# So a breaker counts what says something about the *provider*. What an answer says:
#
# | answer | it is about | try again? | and |
# |---|---|---|---|
# | 400 | this text, or this token: read the reason | no | dead letter, somebody looks at it |
# | 403 | your own credentials (FCM: or a token of another project) | no | page somebody |
# | 410 (APNs), 404 (FCM) | this token | no | remove the token |
# | 429 | APNs: this token; FCM: your pace, or this token | later | slow down; wait as long as you are asked |
# | 500, 503 | the provider | yes, with budget | the breaker counts it |
# | none within the time-out | nobody knows | yes | the breaker counts it; it may have been *sent*, so topic 06 |
#
# APNs has a 400 that is about the token, `BadDeviceToken`: wrong for this environment, or no token at all. Its 410
# brings the time since which the token is dead: do not delete what was registered later. Its 404 is about the path, so
# about your code.
#
# (APNs: Apple, handling notification responses, status codes read 2026-11-21; the reasons as clients repeat them,
# second-hand. FCM: Firebase, manage tokens, read 2026-11-21; its 403 and 429 as clients repeat them,
# second-hand.)
#
# **Token rotation** has two more traps. Tokens end by themselves, so what you store decays:

# %%
idle, stored = fact("fcm.token-idle-max"), fact("fcm.stored-messages-max")
print(f"an Android token ends after {idle.value:g} idle {idle.unit} ({idle.cite()})")
kept = f"{stored.value:g} {stored.unit}, then none"
print(f"kept for a device that is away: {kept} ({stored.cite()})")

# %% [markdown]
# And the removal has a race. Your push to the old token is under way, the app registers a new one, your 410 comes, and
# you delete "the token of this device". Delete it *if it is still the one you sent to*. You write that in the exercise.
#
# ### Shed load, and from the right end
#
# Sometimes there is no loop at all, and simply too much is asked: here 10 % more than the capacity, then three times as
# much. Callers wait for 1 s, and nobody retries. (A refusal costs nothing here. In life it costs a little, so refuse as
# far out as you can.) In the last column one request in ten is critical, and goes before the others.

# %%
from fortyfive.widgets.failure_modes import shedding_table

title = "A service for 100 requests a second, in its second minute of too many"
Captioned(shedding_table(), title)

# %% [markdown]
# **Ten percent too much, and a queue without a limit, is zero.** Not 100 of 110: none, since the wait grows until
# everybody's is too long. Refusing the ten saves the hundred. At three times the load each of the good ways gives the
# full 100 a second. They differ in whom they serve: with "newest first" half of the answers take under 0.1 s, and some
# users never get one; with the others all wait about equally long.
#
# Look at the last column. At a door that lets in 50, the critical requests are answered as badly as everybody: a full
# queue turns them away, and their priority counts only inside. **Shed by age at the exit, or keep room at the door.**
#
# A limit is also how the trouble gets told. A bounded queue that says "full" to whoever fills it is **back-pressure**:
# the producer has to wait, to refuse, or to drop, and it knows best which. A queue without one says "thank you" until
# the memory is full.
#
# ### The queue as the failure
#
# Back to the notifications: the provider is down for 20 minutes, 24,000 messages wait, and it can take 60 calls a
# second while 20 come. **The sum for a backlog: time = backlog / (drain rate − arrival rate)**, here 24,000 / (60 − 20)
# = 600 s; nothing in it but that no message gets lost. Thirty workers need just that. So does a hundred, you would
# think.

# %%
from fortyfive.widgets.failure_modes import workers_table

Captioned(workers_table(), "Twenty minutes of outage, and so many workers")

# %% [markdown]
# A worker is a call at the provider. The provider does six at a time, 60 a second, and whoever calls stands in line
# with all others: *W* workers, so a call takes *W* / 60 s (Little's law). At 60 workers that is the time-out. Above it,
# every call is given up while the provider is still at it, the message comes back, and the provider has done its work
# for nobody. This is the first surprise in another dress: at a load of a third of the capacity, for ever. Drag
# "provider down for" to one minute at 100 workers: that is enough.
#
# The law is one line again: **workers < rate of the provider × time-out**. And stay a third below it: at the line
# itself chance decides. 40 workers lose 2 % of the provider's work, 50 lose 11 % and need 13 minutes. What does
# autoscaling do, when it sees 24,000 messages waiting?

# %%
from fortyfive.widgets.failure_modes import drain_table

Captioned(drain_table(), "Twenty minutes of outage, and one thing done about it")

# %% [markdown]
# - **Limit what is under way, or the pace.** A bulkhead of 20 calls, or 50 starts a second: 24,000 / (50 − 20) = 800 s,
#   13 minutes. At 30 starts it would be 40 minutes, more than the run has left. A longer time-out works as well, as
#   long as nobody adds workers. The line for a hundred is 100 / 60 = 1.67 s: with 1.7 s it never drains, with 2 s it
#   takes 11 minutes.
# - **Nobody tells you the limit?** Find it: up by a little each second, down by a share at the first 429. That is
#   **AIMD**, additive increase and multiplicative decrease, as in TCP. You write it in the exercise.
# - **A breaker alone is no cure for a hundred workers.** While the provider is down it is worth a lot: 249 calls
#   instead of 396,819. Then three probes succeed, it closes, and a hundred workers rush in. It opens again, and so on.
# - **Where the provider hangs, the breaker is the cure.** In the last two rows it does not refuse: it takes calls in
#   and starts none. Each of the thirty workers gives up once a second, together they leave 35,637 calls behind, and the
#   provider does all of these first. It does 60 a second, and thirty new ones come that are too late as well: 35,637 /
#   (60 − 30) = 1,188 s, 20 more minutes in which nothing is sent. By then 48,000 messages wait, so the ten minutes
#   have become forty. With the breaker only 630 calls are left behind.
# - **Five receives and dead** turns an outage of minutes into 24,000 dead letters, because five tries with backoff are
#   over in seconds. Nothing was wrong with these messages. Count the receives for what is poison; for an outage, use
#   age.
#
# And what do you watch? The outage with 30 workers again, on three dashboards; first where the provider refuses, then
# where it hangs:

# %%
from fortyfive.widgets.failure_modes import backlog_table, codes_table

minutes = [6, 15, 25, 30, 35, 40]
Captioned(backlog_table(long_outage(workers=30), minutes), "Down from minute 5 to 25")

# %%
hanging = long_outage(workers=30, hangs=True)
Captioned(backlog_table(hanging, minutes), "The same, but it hangs")

# %% [markdown]
# The number that a dashboard shows as the queue's length, what is *visible*, is **0 for all of the outage** where the
# provider refuses at once: the failed messages are hidden in their backoff. Then it comes back, and the number jumps to
# thousands, as the system heals. Where it hangs the workers are held, and the number rises from the first minute. The
# age of the oldest says the same in both cases, in the unit of your promise. **Alarm on age, not on visible length**,
# and look up what your queue calls age:

# %%
receives = fact("sqs.age-metric-receives")
seen = f"received {receives.value:g} {receives.unit} and not deleted"
print(f"{seen}: not in the age of the oldest ({receives.cite()})")

# %% [markdown]
# So `ApproximateAgeOfOldestMessage` fails in just this outage, where everything old has been received many times: on a
# standard queue, SQS leaves out of this number what was received three times. Alarm on visible plus in flight, or on an
# age that you measure yourself, or stop receiving while the breaker is open.
#
# Hidden messages are not free either. A message that a worker holds back by its visibility is *in flight*, and at the
# quota an SQS queue with long polling gives you nothing, and no error:

# %%
quota = fact("sqs.in-flight-max")
print(f"{quota.value:,.0f} {quota.unit} in flight at most ({quota.cite()})")
print(f"at 100 messages/s that is an outage of {quota.value / 100 / 60:g} minutes")

# %% [markdown]
# Last, who is in the queue. A one-time code that waits behind 24,000 pieces of news is of no use when it is sent. Here
# one message in ten is a code; these are those that came in the ten minutes *after* the outage:

# %%
Captioned(codes_table(), "From when it came to when it was sent, 30 workers")

# %% [markdown]
# The outage is over, and for half of the users it lasts three minutes longer. A line of their own costs the news half a
# minute. Give what expires a time to live as well, and look at it when you take the message out: a code of twenty
# minutes ago is worth a call to nobody.
#
# ### Death in the middle of a batch, and poison
#
# A worker takes a batch, works through it, and acknowledges it at the end. One message in a hundred kills its worker (a
# crash, a deployment, a machine that goes). The whole batch comes back. How large may a batch be?

# %%
from fortyfive.widgets.failure_modes import batch_table

Captioned(batch_table(), "30,000 messages, 20 workers, acknowledged batch by batch")

# %% [markdown]
# A batch of *n* survives with chance (1 − *p*)ⁿ, and each message in it is delivered 1 / (1 − *p*)ⁿ times. At a hundred
# it is the tail of topic 05: 1 − 0.99¹⁰⁰, so 63 % of the batches die, and everything is done nearly three times. What
# was already sent is sent again.
#
# Death at least strikes by chance. A **poison message** strikes each time. Here are a hundred notifications in batches
# of ten; one text is bad (400), and one user in four has a dead token (410). After five receives a message is dead.

# %%
from fortyfive.sim.world import Refused


async def all_or_nothing(messages, queue, push):
    for message in messages:
        await push.send(message.device, message.text)
    for message in messages:
        await queue.ack(message)


async def each_its_own(messages, queue, push):
    for message in messages:
        try:
            await push.send(message.device, message.text)
        except Refused:
            continue
        await queue.ack(message)


async def final_is_final(messages, queue, push):
    for message in messages:
        try:
            await push.send(message.device, message.text)
        except Refused as error:
            if error.status not in (400, 404, 410):
                continue
        await queue.ack(message)


# %%
from fortyfive.widgets.failure_modes import batch_outcomes

consumers = [all_or_nothing, each_its_own, final_is_final]
consumers = {consumer.__name__: consumer for consumer in consumers}
poison = [("poison", "m7"), ("gone", "ana-phone", 0)]
result = batch_outcomes(consumers, poison)
Captioned(result, "100 notifications, 74 of which can be shown")

# %% [markdown]
# The first bad message of a batch ends it. Those before it are shown again, and those behind it die without ever having
# been tried: 38 of the 74. Of 95 dead letters 26 deserved it. With an acknowledgement for each message, each has a fate
# of its own. And what is final is not tried again: 26 refused calls instead of 130, and the dead-letter queue, where
# somebody has to look, is left to what nobody expected. (The code above only acknowledges what is final. In life the
# 400 goes to the dead letters with its reason, and the 410 removes the token.)

# %% [markdown]
# ## Say it
#
# > "A ten-second hang can keep us down for good. At 80 % load with three tries, everything that times out comes three
# > times: 240 calls a second on a capacity of 100. So the queue in front of it is short, half of the time-out, we drop
# > by age, and retries have a budget of ten percent. Then the worst load is 88, and it comes back by itself."
#
# > "We retry in one layer, with full jitter, and only what may pass. Five layers of three tries are 243 calls at the
# > bottom, just when it can't take one."
#
# > "The time-out is the p99.9 of a good day, shorter than my caller's, and slow counts as failed. Otherwise the breaker
# > never opens, and one slow side call takes all servers: a hundred a second times two seconds is two hundred."
#
# > "When APNs is back after twenty minutes I don't scale out. 24,000 waiting, 60 a second out, 20 in: ten minutes. More
# > workers than rate times time-out, sixty here, and it never drains; I stay at forty. I cap the calls under way and
# > let one-time codes go first. If it hangs instead of refusing, I need the breaker as well, or it first works off what
# > we gave up."
#
# > "I alarm on the age of the oldest message, measured by ourselves: the visible length was zero, as APNs refused at
# > once, and SQS leaves out of its age what was received three times. Else on visible plus in flight."

# %% [markdown]
# ## Pushback
#
# **"You have exponential backoff with jitter. Isn't that enough?"** (a probe) "It's enough against a herd: it takes the
# peak from 50,000 to 12,000 a second. It puts no bound on the tries of all callers together. For that I have the
# budget, and the short queue for what gets through anyway."
#
# **"Your budget drops retries that would have worked."** (a real flaw) Agree, and put a number on it. "Yes. With one
# failure in a hundred, nobody notices: one percent of retries fits into ten. With half of the answers failing, three
# tries would save 87 % of the requests, and the budget leaves it at 55. That's the price: in a bad hour some users see
# an error, so that it isn't all of them for the rest of the day."
#
# **"You shed load. So you make errors on purpose?"** (a probe) "At 110 a second on a capacity of 100 somebody gets an
# error. I choose that it's ten and not a hundred and ten. Critical ones have room kept for them; a plain limit at the
# door would turn them away like everybody."
#
# **"The backlog is large, so let's scale the workers to 500."** (the interviewer is wrong) "The workers aren't the
# bottleneck, the provider is, at 60 a second. 500 calls at once take eight seconds each, all of them time out, and
# nothing is sent. I'd rather ask the provider for a higher limit. Until then ten workers are as fast as thirty."
#
# **"The provider queues it for offline users anyway, so let's send everything as soon as it's back."** (the interviewer
# is wrong) "FCM keeps 100 messages for a device, and at the limit it discards all of them. After an outage I'd collapse
# what belongs together, and drop what has expired, before I send."
#
# **"What if the breaker opens for all servers at once?"** (a real flaw) "They see the same outage, so they open
# together, and they probe together. With 200 servers and three probes each, that's 600 calls in the first second after
# the cool-down. I'd put jitter on the cool-down too, and one probe at a time."
#
# **"Product says: no notification may ever be dropped."** (a change of requirements) "Then shedding is out for the
# queue, and it has to hold an outage: at 20 a second, a day is 1.7 million messages, and retention longer than that.
# What changes is what we promise about time. And I'd ask about one-time codes: not dropping one after an hour helps
# nobody."
#
# The arithmetic behind these sentences:

# %%
import pandas as pd

said = {
    "80/s, three tries (calls/s)": 80 * 3,
    "80/s, a budget of 10 % (calls/s)": round(80 * 1.1),
    "load that comes back by itself, three tries (1/s)": round(100 / 3),
    "the hang that tips it, time-out of 1 s (s)": 1 * 100 / 80,
    "the same, time-out of 5 s (s)": 5 * 100 / 80,
    "800 calls, until 100 are left, at 20/s (s)": round((80 * 10 - 100) / (100 - 80)),
    "100 pages/s held for 2 s (servers)": 100 * 2,
    "24,000 at 60/s out and 20/s in (min)": 24_000 / (60 - 20) / 60,
    "35,637 left by a hang, at 60/s and 30/s (min)": round(35_637 / (60 - 30) / 60),
    "what waits by then, 40 min at 20/s": 20 * 40 * 60,
    "48,000 at 60/s out and 20/s in (min)": 48_000 / (60 - 20) / 60,
    "a third below sixty (workers)": round(60 * 2 / 3),
    "24,000 at 50/s out and 20/s in (min)": round(24_000 / (50 - 20) / 60),
    "half fail: saved by three tries (%)": round(100 * (1 - 0.5**3), 1),
    "half fail: saved by a budget of 10 % (%)": round(100 * (0.5 + 0.1 * 0.5)),
    "60/s with a time-out of 1 s (workers)": 60 * 1,
    "500 calls at 60/s (s each)": round(500 / 60),
    "200 breakers, three probes each (calls)": 200 * 3,
    "20/s for a day (messages)": 20 * 86_400,
}
Captioned(pd.Series(said, dtype=object).to_frame("value"), "Numbers to say aloud")

# %% [markdown]
# ## Check yourself
#
# - Your service runs at 60 % of its capacity with two tries. A hang of a minute: does it come back? *(No: 2 × 60 % is
#   more than all. Without retries yes, with a budget of 10 % too: 66 %.)*
# - CPU is at 100 %, throughput is higher than ever, no error in the log, and all users complain. What do you look at?
#   *(Goodput: how many of the finished calls have a caller. And the wait in the queue against the time-out.)*
# - You may put one number into the queue's limit. Which? *(Less than capacity × time-out, and less the service time.
#   Here under 100; 50 was good.)*
# - A side call is optional, has a breaker, and the page hangs nevertheless. What is missing? *(A time-out: slow is no
#   failure until then, unless the breaker counts slow calls.)*
# - The provider has refused for ten minutes, and neither the queue's length nor its age alarms. How can that be?
#   *(Failed messages are hidden, so they are not in the visible length; and SQS leaves out of the age what was received
#   three times. Watch visible plus in flight, or measure the age yourself.)*
# - The breaker in front of APNs opens each time marketing sends to old users. What is wrong? *(It counts 410. They are
#   about tokens; remove them.)*
# - The provider is back, the backlog does not shrink, and the provider is fully busy. What do you do first? *(Fewer
#   workers, or a limit on the calls under way: the calls take longer than their time-out.)*
#
# Then open exercise 09 (`exercises/09_failure_modes.ipynb`): write the retry policy, the budget, the breaker, the drain
# and the door, and let the grader try to break them.
