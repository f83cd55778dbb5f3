# %% [markdown]
# # Exercise 09: survive what fails
#
# Nine parts: put numbers on retries and time-outs, write a retry policy, a retry budget and a breaker, keep a store of
# device tokens clean, work off a backlog, shed what would come too late, bring a service down for good with a small
# push, and break a colleague's code. Most of it is code. The grader runs yours among hundreds of callers, under
# outages, refusals and deaths, and tells you in numbers what happened.
#
# - `check("09")` grades everything, `check("09", "next_retry")` one task.
# - `check("09").hint()` shows a hint; each call says a little more. `check("09").solution()` shows our solution after
#   your first attempt.
# - Time is simulated: it comes as an argument, in seconds. `time`, `random` and variables outside your function or
#   class have no place in any answer.
# - A `...` is where your work goes. Until you replace it, a task counts as *not attempted*.

# %%
from fortyfive import check, replay
from fortyfive.sim.callers import CallError
from fortyfive.sim.world import NoAnswer, Refused

# %% [markdown]
# ## 1. Put numbers on it
#
# A request passes through **five services in a row**, and the fifth asks a database that answers nobody. How many calls
# does one request become at the database
#
# - `"every layer"`: if each of the five makes up to **three tries** of its call;
# - `"outermost only"`: if only the first does, and the others make one;
# - `"10 % budget"`: if each of the five may retry **10 %** of what it gets? This one is an average.
#
# Write a dictionary with these three keys.

# %%
# BEGIN SOLUTION
amplification = {
    "every layer": 243,
    "outermost only": 3,
    "10 % budget": 1.61,
}
# END SOLUTION

# %%
check("09", "amplification")

# %% [markdown] tags=["solution"]
# 3 × 3 × 3 × 3 × 3 is 243: the example is from M. Brooker's article on time-outs and retries in the Amazon Builders'
# Library. Retries are selfish. Each layer does what is best for its own request, and together they send 243 times the
# load to what has just failed under it. With 10 % in each layer it is 1.1 to the fifth power, 1.61.

# %% [markdown]
# `LATENCIES_S` holds the answer times of 2,000 calls of one provider, in seconds. Choose `timeout_s`, so that **at most
# 1 call in 1,000** is given up on although its answer would have come. A caller makes two tries, one after the other,
# and must have an answer or an error **within 2 s**.

# %%
from fortyfive.checks.failure_modes_latencies import LATENCIES_S

print(f"median {sorted(LATENCIES_S)[1000]:.3f} s, mean {sum(LATENCIES_S) / 2000:.3f} s")

# %%
# BEGIN SOLUTION
timeout_s = 0.8
# END SOLUTION

# %%
check("09", "timeout_s")

# %% [markdown] tags=["solution"]
# A time-out is a quantile. Say which share of good calls you accept to give up on; 0.1 % is the p99.9, the third
# longest of these 2,000. "Twice the mean" gives up on nine calls in a hundred, and each of them comes a second time: a
# time-out that is too short is a retry storm of its own. The other bound is the caller's patience, divided by the tries
# that must fit into it.

# %% [markdown]
# ## 2. When to try again
#
# Write `next_retry(attempt, error, draw)`. It is asked after each try that failed, and returns how many **seconds** to
# wait before the next, or **None** to give up.
#
# | argument | what it is |
# |---|---|
# | `attempt` | how many tries have failed so far: 1 after the first |
# | `error.status` | 400, 404 or 410 (permanent), 429 or 503, or None where no answer came |
# | `error.retry_after_s` | how long the provider asked to wait, or None |
# | `draw` | a random number, at least 0 and less than 1, new for each question: the only chance there is |
#
# `next_retry(1, CallError(503), 0.5)` asks yours once.
#
# What is promised:
#
# - a permanent error is not tried again, `retry_after_s` is the least that is waited, and no wait is longer than **60
#   s**, or than 60 s more than the provider asked for;
# - a provider that stays down sees at most **15 tries** of each caller, the first one included;
# - an outage of **20 s** loses nothing: nobody gives up meanwhile;
# - after a hiccup of 0.5 s, **80 %** of the callers are done 3 s after their start;
# - 300 callers start within 100 ms, at the moment the provider goes down. When it is back, whether after 1, 3, 8 or 20
#   s, at most **150** of them call it within the same 100 ms. The same, and nobody gives up, when it asks them all to
#   wait for 5 s.
#
# Down means that it answers 503 to everybody, or 429, or not at all; in the hiccup it is 503.


# %%
def next_retry(attempt, error, draw):
    """Return how many seconds to wait before the next try, or None to give up."""
    # BEGIN SOLUTION
    if error.status in (400, 404, 410) or attempt >= 14:
        return None
    backoff_s = min(20, 2 ** (attempt - 1))
    return (error.retry_after_s or 0) + draw * backoff_s
    # END SOLUTION


# %%
check("09", "next_retry")

# %% [markdown] tags=["solution"]
# Each piece is there for one promise. The doubling makes the tries few, the jitter keeps the callers apart, the cap
# lets them notice the end soon, the bound lets go. *Full* jitter, over the whole wait, is the simplest that works; 5 %
# at its edge do not. It halves the average wait, so count the tries again: thirteen waits of 0.5, 1, 2, 4, 8 and then
# 10 s on average are enough for 20 s of outage, and eight are not for everybody.
#
# The wish of the provider is a trap of its own. Who was told "come back in 5 s" together with 299 others comes back
# together with them, so the jitter goes on top.

# %% [markdown]
# ## 3. A budget for retries
#
# Jitter spreads retries, and they are as many as before. A budget makes them few. Write the token bucket
# `RetryBudget(share, burst)`:
#
# - it holds up to `burst` tokens, and at the start it is full;
# - `request()` is called for each request, and adds `share` of a token;
# - `may_retry()` is asked before each retry: True takes a token, and where there is not a whole one the answer is
#   False.
#
# So at most 10 % of the requests are retried for `share=0.1`, beside a burst of 10. That many tokens are there to be
# used, the last one as well: a refusal without need is wrong. Then the grader puts one of yours into each of five layers, as in part
# 1, lets 1,000 requests fail, and tells you how many calls reach the bottom.


# %%
class RetryBudget:
    """A bucket of tokens: requests fill it, retries empty it."""

    def __init__(self, share, burst):
        # BEGIN SOLUTION
        self.share = share
        self.burst = burst
        self.tokens = burst
        # END SOLUTION

    def request(self):
        """Note that a request was made."""
        # BEGIN SOLUTION
        self.tokens = min(self.burst, self.tokens + self.share)
        # END SOLUTION

    def may_retry(self):
        """Say whether a retry may be made now, and count it if so."""
        # BEGIN SOLUTION
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
        # END SOLUTION


# %%
check("09", "RetryBudget")

# %% [markdown] tags=["solution"]
# The rim of the bucket is what matters. A budget of "10 % of all requests so far" saves up through every quiet night,
# and pays it all out in the first minute of the outage, when it hurts most. The bucket needs no clock: what refills it
# is the traffic itself.

# %% [markdown]
# ## 4. A breaker
#
# All calls of one service go through a breaker. It asks `allow(now_s)` before each call, which answers True or False,
# and tells `record(ok, started_s, now_s)` when a call that was begun at `started_s` has ended. Between the two a call
# takes up to 1 s, others begin meanwhile, and a caller may die: then nobody records anything.
#
# 50 calls come in a second. What is promised:
#
# - while 1 % of the calls fail, here and there, **no call is refused** in 10 minutes;
# - an outage of 60 s sees at most **400** of its 3,000 calls, whether they are refused at once or go unanswered for 1
#   s, and whether it is the first or not;
# - once it has opened, **one call at a time** goes through as long as the outage lasts: the probe. A late success of a
#   call from before says nothing about now;
# - calls flow again at most **15 s** after an outage, of one minute or of ten, and at most 30 s after it where the
#   caller of a probe dies, or of three in a row.
#
# 30,000 calls are made in those 10 minutes: keep a running count, where each `record` would count a window anew.


# %%
class Breaker:
    """Lets calls through, refuses them in an outage, and tries by one call at a time whether it is over."""

    def __init__(self):
        # BEGIN SOLUTION
        self.failures = 0
        self.opened_s = None
        self.probe_s = None
        # END SOLUTION

    def allow(self, now_s):
        """Say whether a call may be made now."""
        # BEGIN SOLUTION
        if self.opened_s is None:
            return True
        if now_s - self.opened_s < 5:
            return False
        if self.probe_s is not None and now_s - self.probe_s < 2:
            return False
        self.probe_s = now_s
        return True
        # END SOLUTION

    def record(self, ok, started_s, now_s):
        """Note how a call ended."""
        # BEGIN SOLUTION
        if self.opened_s is None:
            self.failures = 0 if ok else self.failures + 1
            if self.failures == 10:
                self.opened_s = now_s
        elif started_s == self.probe_s:
            self.probe_s = None
            if ok:
                self.failures = 0
                self.opened_s = None
            else:
                self.opened_s = now_s
        # END SOLUTION


# %%
check("09", "Breaker")

# %% [markdown] tags=["solution"]
# Three states in three variables: closed, while `opened_s` is None; open, until 5 s are over; half-open after that,
# with the time of the probe as its name. By it the probe's answer is told from late ones, and by it a lost probe grows
# old: after 2 s, longer than any answer takes, the place is free again.
#
# Ten failures in a row have a chance of 10⁻²⁰ at 1 % of errors, and in an outage they take a fifth of a second. A share
# of the last calls, "half of the last 100", does as well, and better where only some of the calls fail.

# %% [markdown]
# ## 5. Tokens that end
#
# Each user has several devices, and the store has their tokens: `token:ana:phone`, `token:ana:tablet`, ... Each of
# these keys holds one token, a text. Providers answer for a token that is of no use any more: APNs with **410**, FCM
# with **404**. Here 400 is always about the text (APNs answers it for some bad tokens as well), and 429 and 503 are
# about the provider. Send each message to all devices of its user:
#
# - every device whose token stays active is sent every text that is not refused for good, however long an outage
#   lasts; twice is allowed;
# - a token that was answered with 404 or 410 leaves the store;
# - **a token that is active stays**. Where a phone's token ends, its app registers a new one 0.1 s later, under the
#   same key. That may happen while your push is under way.
#
# | you may await | what it does |
# |---|---|
# | `store.scan(prefix)` | all `(key, value)` pairs whose key begins with `prefix`, sorted |
# | `store.get(key)`, `store.delete(key)` | as in exercise 06 |
# | `store.delete_if(key, value)` | removes a key if it still holds that value; says whether it did |
# | `push.send(token, text)` | shows the text, takes about 80 ms; may raise `Refused` (`error.status`) or `NoAnswer` |
# | `queue.ack(message)`, `queue.nack(message, delay_s=0)` | done; or again after a while |
#
# Workers die, and answers get lost. A delivery that was not acknowledged comes again after 30 s. A failing schedule
# comes with a line `replay(...)`: run it in a cell, and change the faults to see what each one does.


# %%
async def notify_devices(message, queue, store, push):
    """Send the message's text to each device of its user, and remove the tokens that are dead."""
    # BEGIN SOLUTION
    all_done = True
    for key, token in await store.scan(f"token:{message.user}:"):
        try:
            await push.send(token, message.text)
        except Refused as error:
            if error.status in (404, 410):
                await store.delete_if(key, token)
            elif error.status != 400:
                all_done = False
        except NoAnswer:
            all_done = False
    if all_done:
        await queue.ack(message)
    # END SOLUTION


# %%
check("09", "notify_devices")

# %% [markdown] tags=["solution"]
# Each status is about something else, and so is what you do. The removal is conditional on what you read: between your
# `scan` and your `delete` lie a push and 80 ms, and a user who opens the app in that moment would be unsubscribed by a
# token that has long been replaced. "Look once more, then delete" makes the window smaller and does not close it, as in
# every check-then-act. Where a store has no conditional delete, keep the time of the registration beside the token and
# compare it in the same statement.
#
# A store that keeps its dead tokens pays for a call to each of them with every message.

# %% [markdown]
# ## 6. Survive a 20-minute outage
#
# 25 messages come in a second. The provider is down for 20 minutes, in which it refuses every call at once, with 503,
# and then 30,000 messages wait. It has a limit, which it does not tell: somewhere **between 45 and 250 calls/s**. What is above the limit it refuses; at more than **twice**
# the limit it collapses, and refuses everything for 30 s.
#
# Write the pace: `Drain`, whose `calls_per_s(now_s, backlog, oldest_s, refused_share)` is asked once a second and
# returns how many calls to make in that second.
#
# | argument | what it is |
# |---|---|
# | `backlog`, `oldest_s` | how many messages wait, and how old the oldest of them is |
# | `refused_share` | which share of the last second's calls was refused, 0 to 1; 0 where none were made |
#
# What is promised:
#
# - from the second minute of the outage on, at most **10 calls/s** on average;
# - after the outage **no collapse**, and in any 10 s at most **1.2 times** the limit;
# - **15 minutes** after the outage the backlog is gone (fewer than 100 wait), where the limit is 100/s or more.


# %%
class Drain:
    """The pace at which a backlog is worked off."""

    def __init__(self):
        # BEGIN SOLUTION
        self.rate = 1
        # END SOLUTION

    def calls_per_s(self, now_s, backlog, oldest_s, refused_share):
        """Return how many calls to make in the next second."""
        # BEGIN SOLUTION
        if refused_share > 0:
            self.rate = max(1, self.rate * 0.7)
        else:
            self.rate += 2
        return self.rate
        # END SOLUTION


# %%
check("09", "Drain")

# %% [markdown] tags=["solution"]
# Up by a little, down by a share. It needs no knowledge of the limit, keeps a foot in the door while everything is
# refused, and swings around the limit when it is back. What does not work is to make the pace a function of the
# backlog: the more waits, the harder it pushes, and 30,000 in a second bring the provider down once more. The size of
# the backlog says how long it will take. It says nothing about how fast it may go.

# %% [markdown]
# Now the order. Each fifth message is a **one-time code**, good for 45, 60 or 90 s; the others are **news**, good for a
# day, or some of them for 5 minutes.
# Write `Outbound`: `put(message)` for each that comes, and `take(now_s)` for the next to send, or None where there is
# none. A message has `kind` ("code" or "news"), `created_s` and `expires_s`.
#
# - What has expired (`now_s` is `expires_s` or later) is never returned, and nothing else is ever dropped.
# - After the outage, at 100 calls/s, a code leaves at most **10 s** after it came.
# - News leave in the order in which they came.
#
# It will hold tens of thousands of messages.


# %%
from collections import deque


class Outbound:
    """Messages that wait to be sent."""

    def __init__(self):
        # BEGIN SOLUTION
        self.codes = deque()
        self.news = deque()
        # END SOLUTION

    def put(self, message):
        """Take a message in."""
        # BEGIN SOLUTION
        (self.codes if message.kind == "code" else self.news).append(message)
        # END SOLUTION

    def take(self, now_s):
        """Give the message to send now, or None."""
        # BEGIN SOLUTION
        for line in (self.codes, self.news):
            while line:
                message = line.popleft()
                if now_s < message.expires_s:
                    return message
        return None
        # END SOLUTION


# %%
check("09", "Outbound")

# %% [markdown] tags=["solution"]
# One line is fair and useless: whoever asks for a code after the outage stands behind 30,000 others, and the code has
# expired before its turn comes. The oldest codes of the backlog are worth nothing to anybody. The oldest news are. So
# age alone decides nothing: "drop what is older than a minute" throws away what the outage was survived for.

# %% [markdown]
# ## 7. Refuse at the door
#
# A server works on one request after the other, in the order in which they came, and **whoever has waited for 1 s is
# gone**. The server does not notice, and serves them all the same. Write `admit(waiting, per_s, critical)`: True lets a
# request in, False refuses it at once.
#
# | argument | what it is |
# |---|---|
# | `waiting` | how many requests wait in the queue now |
# | `per_s` | how many the server works off in a second at present; it is not always the same |
# | `critical` | whether the request is critical: one in ten is |
#
# What is promised:
#
# - at 60 requests/s, and 20 more at once every other second, a server that can do 100/s refuses **none**;
# - when 300/s come to a server that can do 100/s, or 150/s to one that has become slow and does 40/s, it answers at
#   least **90 %** of what it can do within 1 s, and **99 %** of the critical requests;
# - when 60/s come to one that has become so slow that it does 20/s, at least the same **90 %**.


# %%
def admit(waiting, per_s, critical):
    """Say whether to let a request in."""
    # BEGIN SOLUTION
    return waiting / per_s < (0.9 if critical else 0.5)
    # END SOLUTION


# %%
check("09", "admit")

# %% [markdown] tags=["solution"]
# Without a bound the queue grows until everybody in it waits for more than a second, and from then on the server is
# busy and nobody is served: full work, no goodput. The bound is a time and not a number, `waiting / per_s`: fifty
# waiting are half a second for a quick server and more than a second for a slow one. Two lines, one for each class, are
# room kept free for what matters.

# %% [markdown]
# ## 8. A system that stays down
#
# The same kind of server: **100 requests/s**, in order of arrival, no bound on its queue. It gets **80/s**. Callers
# give up after 1 s and at once try again, **three tries** in all; the server does not notice who has given up.
#
# Find a trigger, `(extra_per_s, for_s)`: so many more requests a second, for so many seconds, **at most 500 in all and
# within at most 10 s**. Four minutes after it is over, the service must still answer less than 10 % of its requests in
# time. `try_trigger` shows you the share that is answered.

# %%
from fortyfive.checks.failure_modes_overload import try_trigger

print(try_trigger(30, 2))

# %%
# BEGIN SOLUTION
trigger = (50, 4)
# END SOLUTION

# %%
check("09", "trigger")

# %% [markdown] tags=["solution"]
# 80 + 50 requests/s are 30 more than the server can do, and after 4 s 120 wait. From then on nobody is served within 1
# s, everybody comes three times, and 240/s meet a server that can do 100. The trigger is over; its effect feeds itself.
# Such failures are called *metastable*. What ends it is less load: stop the retries, or refuse at the door, as in part
# 7.

# %% [markdown]
# With the same three tries: what is the largest usual load, a whole number of requests/s, from which the service comes
# back **by itself**, within 20 minutes, after the worst trigger that was allowed? Within 10 % below it is near enough.
# `try_trigger(500, 1, per_s=50)` tries another load, and `tries=1` another policy.

# %%
# BEGIN SOLUTION
safe_load_per_s = 33
# END SOLUTION

# %%
check("09", "safe_load_per_s")

# %% [markdown] tags=["solution"]
# While it is down each request costs three tries, so it comes back as long as three times the load is less than 100/s.
# At 80/s all looks well, with a fifth to spare, and still the service is one small push away from an outage without
# end. That distance is what you pay for retries; the budget of part 3 gives most of it back.

# %% [markdown]
# ## 9. Break a colleague's code
#
# A colleague backs off and gives up on what is refused for good. Find what is wrong all the same: write a **schedule of
# faults**, at most two, under which a message is **lost that could have been shown**.
#
# | fault | what happens |
# |---|---|
# | `("outage", 0, 60)` | the provider answers 503 from second 0 to 60 |
# | `("throttle", 0, 60)` | the provider answers 429 from second 0 to 60 |
# | `("poison", "m1")` | the text of m1 is refused for good, with 400 |
# | `("gone", "ana-phone", 0)` | the token of the phone is no longer active from second 0 on, 410 |
# | `("crash", "m1", 1, 2)` | in delivery 1 of m1, the worker dies right after its second `await` (0: before the first) |
# | `("no answer", "m1", 1, 2)` | in delivery 1 of m1, the second `await` is carried out, and its answer is lost |
#
# `replay("09", "colleague", faults=[...])` shows what happens.


# %%
async def colleague(message, queue, push):
    try:
        await push.send(message.device, message.text)
    except NoAnswer:
        return
    except Refused as error:
        if error.status not in (400, 410) and message.attempt < 5:
            await queue.nack(message, delay_s=5 * 2**message.attempt)
            return
    await queue.ack(message)


# %%
# BEGIN SOLUTION
schedule = [("outage", 0, 200)]
# END SOLUTION

# %%
check("09", "schedule")

# %% [markdown] tags=["solution"]
# Waits of 10, 20, 40 and 80 s: after 150 s and five refusals the message is taken for a poison message and
# acknowledged. In an outage of 200 s that happens to all of them. A count of deliveries says how long somebody has
# tried, and not what is wrong. Give up on what is refused for good. For the rest stop calling, with a breaker, and let
# the queue keep what waits; a dead-letter queue, watched by a person, is for what still fails when others get through.
