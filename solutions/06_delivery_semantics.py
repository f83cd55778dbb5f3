# %% [markdown]
# # Exercise 06: deliver under faults
#
# Nine parts: name what you have, acknowledge in the right place, count exactly once, send at least once and hardly ever
# twice, handle a batch of which half fails, relay an outbox, remember enough and not too much, hold on to a long job,
# and break two colleagues' code. Most of it is code, and the grader runs it under hundreds of schedules of faults:
# every crash point of a short run first, random ones after. It stops at the first that breaks a promise, makes it as
# small as it can, and draws it.
#
# - `check("06")` grades everything, `check("06", "deliver")` one task.
# - `check("06").hint()` shows a hint; each call says a little more. `check("06").solution()` shows our solution after
#   your first attempt.
# - A failing schedule comes with a line `replay(...)`: run it in a cell, and change the faults to see what each one
#   does.
# - A `...` is where your work goes. Until you replace it, a task counts as *not attempted*.

# %%
from fortyfive import check, replay
from fortyfive.sim.world import NoAnswer, Refused

# %% [markdown]
# ## 1. Name what you have
#
# Five consumers, and the order of what they do to one message. A worker may die between any two steps, and the queue
# delivers a message again unless it was acknowledged. What does each promise about the effect? Write `"at most once"`,
# `"at least once"`, `"exactly once"` or `"nothing"` (it may be lost, and it may happen twice).
#
# | consumer | what it does |
# |---|---|
# | A | acknowledges, then sends the push |
# | B | sends the push, then acknowledges |
# | C | in one transaction of its own database notes the message's id, unless it is there, and adds 1 to a counter; then acknowledges |
# | D | sends the push, notes the message's id in its database, acknowledges; at the start it skips a message whose id it finds noted |
# | E | notes the message's id in its database; sends the push; acknowledges; at the start it acknowledges and skips a message whose id it finds noted |

# %%
# BEGIN SOLUTION
promises = {
    "A": "at most once",
    "B": "at least once",
    "C": "exactly once",
    "D": "at least once",
    "E": "at most once",
}
# END SOLUTION

# %%
check("06", "promises")

# %% [markdown] tags=["solution"]
# Look for the effect and for what forgets the message; whichever comes first decides. A and E forget first: E's note is
# an acknowledgement to itself. B and D act first. D's note makes repeats rare and cannot make them impossible, because
# no transaction covers a push on somebody's phone. C is exactly once, and only for its own counter: effect and note are
# one write.

# %% [markdown]
# ## 2. Acknowledge in the right place
#
# From here on you write coroutines. A worker calls yours with one delivered message and with services; **every `await`
# is one request to another machine**. Between two of them your worker may die, another may be handed the same message,
# and an answer may get lost.
#
# | you may await | what it does |
# |---|---|
# | `queue.ack(message)` | removes the message for good; `False` where its visibility time-out had run out before |
# | `queue.nack(message, delay_s=0)` | gives it back: it becomes visible again after `delay_s`; with 0 at once, to you or another |
# | `queue.extend(message, visibility_s)` | keeps it hidden for `visibility_s` from now on |
# | `push.send(device, text)` | shows the text on the device, takes about 80 ms |
#
# A message has `id`, `user`, `device` and `text`, which stay the same, and `attempt` and `receipt`, which are new with
# each delivery. A delivered message is hidden for 30 s and is then delivered again, unless it was acknowledged.
#
# - `NoAnswer` is raised where no answer came within a second. Whether the request was carried out, you cannot know.
# - `Refused` is raised where the provider said no: `error.status` is 400 (this text cannot be shown), 410 (this device
#   is gone), 429 (too many requests) or 503 (the provider is down).
# - A request takes milliseconds. A machine that is busy can make it take 10 s, without any error, and go on.
#
# Either may leave your function: then the delivery has failed, and the message comes back after its visibility
# time-out. Any other exception is a mistake in your code. Each worker has a memory of its own, which is empty when it
# starts again.
#
# Write a consumer that **loses nothing**, also when the provider is down for a while. It may show a text twice. In this
# part no text and no device is refused for good. Within two hours everything is to be done.


# %%
async def deliver(message, queue, push):
    """Show the message's text on its device."""
    # BEGIN SOLUTION
    await push.send(message.device, message.text)
    await queue.ack(message)
    # END SOLUTION


# %%
check("06", "deliver")

# %% [markdown]
# ## 3. Count exactly once
#
# Now the effect is in your own store: the number on the app's icon. For each message, `unread:USER` goes up by one,
# **exactly once**, whatever is delivered twice and whoever dies.
#
# | you may await | what it does |
# |---|---|
# | `store.get(key)` | the value of a key, or None |
# | `store.put(key, value, ttl_s=None)` | sets a key, for good or for `ttl_s` seconds |
# | `store.put_if_absent(key, value, ttl_s=None)` | sets a key unless it is there; says whether it did |
# | `store.add(key, amount)` | adds to a number (0 where there is none); gives the sum |
# | `store.delete(key)` | removes a key |
# | `store.scan(prefix)` | all `(key, value)` pairs whose key begins with `prefix`, sorted |
# | `store.write(puts=None, adds=None, deletes=(), if_absent=None)` | all of it in one transaction; nothing, where the key `if_absent` is there; says whether it did |
#
# For example `await store.write({"a": 1}, adds={"n": 1}, if_absent="a")`.


# %%
async def count_unread(message, queue, store):
    """Add 1 to `unread:USER` for this message."""
    # BEGIN SOLUTION
    seen = f"seen:{message.id}"
    await store.write({seen: True}, adds={f"unread:{message.user}": 1}, if_absent=seen)
    await queue.ack(message)
    # END SOLUTION


# %%
check("06", "count_unread")

# %% [markdown] tags=["solution"]
# The key is the message's id: `receipt` and `attempt` are new with each delivery, so a key made of them recognises
# nothing. The note and the effect are one write, so there is no moment between them in which to die, and no moment
# between a question and an answer in which somebody else can act. The acknowledgement comes last, and when it is lost
# the redelivery finds the note.

# %% [markdown]
# ## 4. Send, and hardly ever twice
#
# A push is not in your store, and the provider does not remember what it took: nothing can make it exactly once. The
# best there is: **nothing is lost, and a text is shown twice only where a fault hid that it was shown before** (the
# worker died right after sending, the answer got lost, a worker was slower than every time-out). Second copies of a
# message, two workers that are handed it at once, a redelivery after a lost acknowledgement: none of these is an
# excuse.
#
# A worker that finds a message claimed by another cannot know whether that other one is still alive, or only slow (up
# to 10 s for one request). How long do you give it?


# %%
async def notify(message, queue, store, push):
    """Show the message's text on its device, once if that is possible at all."""
    # BEGIN SOLUTION
    sent = f"sent:{message.id}"
    mine = await store.put_if_absent(f"claim:{message.id}", message.receipt, ttl_s=60)
    if await store.get(sent):
        await queue.ack(message)
    elif mine:
        await push.send(message.device, message.text)
        await store.put(sent, True)
        await queue.ack(message)
    # END SOLUTION


# %%
check("06", "notify")

# %% [markdown] tags=["solution"]
# Three states, and two keys hold them: nobody is at it, somebody is at it until its lease ends, done for good. The
# claim is a *lease*, because its owner may be dead; it must outlive a normal sending by far. Whoever comes second does
# nothing and acknowledges nothing: the message comes back after its visibility time-out, and finds it done, or the
# lease over. And the question "was it sent?" comes *after* the claim. Asked before it, the answer may be old by the
# time the claim succeeds.
#
# What remains is the moment between `push.send` and `store.put`. Say it in the round before you are asked: "I can make
# the window small, and I cannot close it, because the provider has no idempotency key."

# %% [markdown]
# ## 5. A batch of which half fails
#
# Workers now take up to five messages at once. Some texts are refused for good (400), some devices are gone (410), and
# the provider may be down (503) or busy (429) for a while. Write the batch's consumer:
#
# - nothing is lost: what failed for a while is tried again later, and not without a pause (40 times in all at most);
# - what is refused for good is not tried again, and the others have their turn within 5 s all the same;
# - when the worker dies in the middle, at most the message it was at is shown twice.
#
# No second copies in this part, so you need no store.


# %%
async def deliver_batch(messages, queue, push):
    """Show each message's text on its device; `messages` is a list."""
    # BEGIN SOLUTION
    for message in messages:
        try:
            await push.send(message.device, message.text)
        except Refused as error:
            if error.status not in (400, 410):
                continue
        except NoAnswer:
            continue
        await queue.ack(message)
    # END SOLUTION


# %%
check("06", "deliver_batch")

# %% [markdown] tags=["solution"]
# Each message has its own fate, so each has its own acknowledgement, right after its effect. A batch is a way to save
# requests. It is no transaction: acknowledged as a whole at its end, one death repeats all of it; acknowledged as a
# whole at its start, one death loses all of it; given up at its first failure, one bad text starves the rest. A
# permanent error is acknowledged, since asking again can only give the same answer; in production it goes to a
# dead-letter queue first, where somebody looks at it.

# %% [markdown]
# ## 6. The outbox
#
# A service accepts requests and has two things to do for each: record it in its store, and publish a message for the
# workers. No transaction covers both, and the service may die between the two.
#
# - `accept(request, store, queue)` runs for each request. It must record `request:ID` (the value is yours to choose).
#   Where your function does not return, the client may try again after 10 s, or give up.
# - `relay(store, queue)` runs every 5 s.
#
# `await queue.publish(id, text)` puts a message into the queue. Publish the request's text under **the request's own
# id**, by which workers recognise a repeat. Promised: every request that is recorded is published in the end; nothing
# is published that is not recorded; where nothing fails nothing is published twice. The record stays. What says "to be
# published" does not: nothing but records may grow with the number of requests.


# %%
async def accept(request, store, queue):
    """Record the request, so that it will be published."""
    # BEGIN SOLUTION
    record = f"request:{request.id}"
    await store.write({record: request.text, f"outbox:{request.id}": request.text}, if_absent=record)
    # END SOLUTION


async def relay(store, queue):
    """Publish what has been recorded and not yet published."""
    # BEGIN SOLUTION
    for key, text in await store.scan("outbox:"):
        await queue.publish(key.removeprefix("outbox:"), text)
        await store.delete(key)
    # END SOLUTION


# %%
check("06", "accept", "relay")

# %% [markdown] tags=["solution"]
# The record and the wish to publish are one write, the *outbox*; publishing is then a matter of trying until it worked.
# (Part 3 was its mirror image, the *inbox*: note and effect in one write.) The relay is an at-least-once sender: it
# publishes first and forgets after, for the same reason as in part 2. If you published from `accept` you had a *dual
# write*, and whichever half you put first, a death between the halves leaves the other undone.

# %% [markdown]
# ## 7. Remember enough, and not too much
#
# A consumer that remembers every id for ever fills its memory; one that forgets too early acts twice. Write the memory
# of one process: `Seen(window_s)`, with
#
# - `first_time(key, now_s)`: True if this key was not let through within the last `window_s` seconds, and False for a
#   repeat. The window counts from when the key was let through: a repeat does not prolong it, and exactly `window_s`
#   later the key is new again. `now_s` never goes back.
# - memory only for keys that are still within their window (a tenth more at most).
#
# A plain class this time, no `await`. It will see thousands of keys.


# %%
from collections import deque


class Seen:
    """The keys of the last `window_s` seconds."""

    def __init__(self, window_s):
        # BEGIN SOLUTION
        self.window_s = window_s
        self.let_through = deque()  # (time, key), the oldest first
        self.keys = set()
        # END SOLUTION

    def first_time(self, key, now_s):
        """Say whether this key was not let through within the window, and remember it if so."""
        # BEGIN SOLUTION
        while self.let_through and now_s - self.let_through[0][0] >= self.window_s:
            self.keys.remove(self.let_through.popleft()[1])
        if key in self.keys:
            return False
        self.keys.add(key)
        self.let_through.append((now_s, key))
        return True
        # END SOLUTION


# %%
check("06", "Seen")

# %% [markdown] tags=["solution"]
# All windows are equally long, so keys leave in the order in which they came: a queue beside the set forgets each key
# in constant time. In production the same thing is a key with an expiry in Redis, or DynamoDB's TTL. The window must be
# longer than the longest time after which a copy can still arrive: the sender's last retry, plus the time the queue
# keeps a message, plus the time somebody needs to redrive the dead letters.

# %% [markdown]
# ## 8. Hold on to a long job
#
# `JOB_TIMES_S` holds a thousand measured times of one job, in seconds. Choose `visibility_s` for a queue whose workers
# send no heartbeats, so that **at most 1 delivery in 1,000 times out under a worker that is still at it**, and the
# message of a dead worker is back **within 3 minutes**.

# %%
from fortyfive.checks.delivery_semantics_jobs import JOB_TIMES_S

print(
    f"median {sorted(JOB_TIMES_S)[500]:.1f} s, mean {sum(JOB_TIMES_S) / 1000:.1f} s, longest {max(JOB_TIMES_S):.1f} s"
)

# %%
# BEGIN SOLUTION
visibility_s = 130
# END SOLUTION

# %%
check("06", "visibility_s")

# %% [markdown] tags=["solution"]
# The time-out is a quantile: "1 in 1,000" is the p99.9, the second longest of a thousand. The mean says nothing about
# it, and neither does a rule such as "twice the median". Above it every second is a second that a dead worker's message
# waits.

# %% [markdown]
# With heartbeats the time-out no longer has to cover the longest job. Here a delivery is hidden for only **10 s**, and
# a job has six parts of 2 to 8 s each. Do them all, and:
#
# - nobody else begins the same job while you live;
# - when you die, the message is visible again within **20 s**.
#
# | you may await | what it does |
# |---|---|
# | `job.render(message, part)` | does one part, 0 to `job.parts` - 1 |
# | `queue.extend(message, visibility_s)` | keeps the message hidden for `visibility_s` from now on |


# %%
async def render(message, queue, job):
    """Do all parts of the job, then acknowledge."""
    # BEGIN SOLUTION
    for part in range(job.parts):
        await queue.extend(message, 10)
        await job.render(message, part)
    await queue.ack(message)
    # END SOLUTION


# %%
check("06", "render")

# %% [markdown]
# ## 9. Break a colleague's code
#
# Two consumers, said to send each push "exactly once". For each, write a **schedule of faults** under which it does
# not: a list of at most two. What you may use:
#
# | fault | what happens |
# |---|---|
# | `("crash", "m1", 1, 2)` | in delivery 1 of m1, the worker dies right after its second `await` (0: before the first) |
# | `("no answer", "m1", 1, 2)` | in delivery 1 of m1, the second `await` is carried out, and its answer is lost |
# | `("lost", "m1", 1, 2)` | in delivery 1 of m1, the second `await` is lost on its way |
# | `("slow", "m1", 1, 2, 40)` | in delivery 1 of m1, the second `await` takes 40 s longer |
# | `("copy", "m1", 0.5)` | the queue delivers a second copy of m1, 0.5 s after the first |
# | `("late", "m1", 5)` | m1 reaches the queue 5 s late |
#
# The first colleague remembers what was sent. The push must be **shown twice without any fault that hides a sending**:
# use second copies or lateness only. `replay("06", "colleague_1", faults=[...])` shows what happens, and says "holds"
# where a fault excuses a repeat.


# %%
async def colleague_1(message, queue, store, push):
    if await store.get(message.id) is None:
        await push.send(message.device, message.text)
        await store.put(message.id, "sent")
    await queue.ack(message)


# %%
# BEGIN SOLUTION
schedule_1 = [("copy", "m1", 0.05)]
# END SOLUTION

# %% [markdown]
# The second claims a message for five minutes, "like a FIFO queue does". Make it **lose** the push, or show it twice
# without a fault that hides a sending.


# %%
async def colleague_2(message, queue, store, push):
    if await store.put_if_absent(message.id, "mine", ttl_s=300):
        await push.send(message.device, message.text)
    await queue.ack(message)


# %%
# BEGIN SOLUTION
schedule_2 = [("crash", "m1", 1, 1)]
# END SOLUTION

# %%
check("06", "schedule_1", "schedule_2")

# %% [markdown] tags=["solution"]
# The first asks and then acts, and between the two another worker asks the same question. Any copy that comes within
# the first sending's 80 ms or so will do. The second never forgets too late but always too early or too firmly: when
# its owner dies before sending, the redelivery finds the claim, takes it for a duplicate and acknowledges. A claim that
# has no owner to answer for it is a lost message, and a schedule with a copy after 301 s shows the other end of it.
