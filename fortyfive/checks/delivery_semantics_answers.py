"""Right answers to exercise 06, and the misconceptions that its checks must catch, each by its own feedback."""

from __future__ import annotations

from fortyfive.checks.answers import Right, Wrong, solution

# The same promises, kept otherwise: one key with states, errors caught, classes and comprehensions instead of loops.
OTHER = """
from fortyfive.sim.world import NoAnswer, Refused

promises = dict(A="at most once", B="at least once", C="exactly once", D="at least once", E="at most once")


async def deliver(message, queue, push):
    try:
        await push.send(message.device, message.text)
    except (NoAnswer, Refused):
        await queue.nack(message, delay_s=5)
    else:
        await queue.ack(message)


async def count_unread(message, queue, store):
    key = "counted/" + message.id
    if not await store.get(key):
        await store.write(puts={key: message.text}, adds={"unread:" + message.user: +1}, if_absent=key)
    await queue.ack(message)


async def notify(message, queue, store, push):
    state, owner = f"state:{message.id}", f"owner:{message.id}"
    if await store.get(state) != "sent":
        if not await store.put_if_absent(owner, True, ttl_s=120):
            return await queue.nack(message, delay_s=40)
        if await store.get(state) != "sent":
            await push.send(message.device, message.text, collapse_key=message.id)
            await store.put(state, "sent")
    return await queue.ack(message)


async def attempt(message, push):
    try:
        await push.send(message.device, message.text)
    except NoAnswer:
        return False
    except Refused as refused:
        return refused.status in {400, 410}
    return True


async def deliver_batch(messages, queue, push):
    while messages:
        message = messages.pop()
        done = await attempt(message, push)
        await (queue.ack(message) if done else queue.nack(message, delay_s=20))


async def accept(request, store, queue):
    wish = {"to publish:" + request.id: [request.id, request.text]}
    await store.write({"request:" + request.id: {"text": request.text, "user": request.user}, **wish})


async def relay(store, queue):
    rows = await store.scan("to publish:")
    for key, (id, text) in reversed(rows):
        try:
            await queue.publish(id=id, text=text)
        except NoAnswer:
            continue
        await store.write(deletes=[key])


class Seen:
    def __init__(self, window_s):
        self.window_s, self.times = window_s, {}
        self.next_sweep_s = window_s

    def first_time(self, key, now_s):
        if now_s >= self.next_sweep_s:
            self.times = {k: t for k, t in self.times.items() if now_s - t < self.window_s}
            self.next_sweep_s = now_s + self.window_s / 50
        last_s = self.times.get(key, float("-inf"))
        first = now_s - last_s >= self.window_s
        if first:
            self.times[key] = now_s
        return first


visibility_s = 120.0


async def render(message, queue, job):
    part = 0
    while part < job.parts:
        held = await queue.extend(message, 12)
        if not held:
            return
        await job.render(message, part)
        part += 1
    await queue.ack(message)


schedule_1 = (("copy", "m1", 0),)
schedule_2 = [["copy", "m1", 301]]
"""

RIGHT = (Right("the course's own", solution("06_delivery_semantics")), Right("states, errors and sweeps", OTHER))

QUIZ = 'promises = {"A": %r, "B": %r, "C": %r, "D": %r, "E": %r}'
AT_MOST, AT_LEAST, EXACTLY = "at most once", "at least once", "exactly once"

WRONG = (
    # promises
    Wrong(
        "a note of one's own makes exactly once",
        "names_the_promise",
        QUIZ % (AT_MOST, AT_LEAST, EXACTLY, EXACTLY, EXACTLY),
        "after the push and before the note",
    ),
    Wrong(
        "acknowledging first is at least once",
        "names_the_promise",
        QUIZ % (AT_LEAST, AT_MOST, EXACTLY, AT_LEAST, AT_MOST),
        "who sends the push",
    ),
    Wrong(
        "noting first is at least once",
        "names_the_promise",
        QUIZ % (AT_MOST, AT_LEAST, EXACTLY, AT_LEAST, AT_LEAST),
        "after the note and before the push",
    ),
    Wrong(
        "nothing is ever exactly once",
        "names_the_promise",
        QUIZ % (AT_MOST, AT_LEAST, AT_LEAST, AT_LEAST, AT_MOST),
        "one of them is done and the other is not",
    ),
    Wrong("a list instead of a dictionary", "names_the_promise", "promises = ['at most once'] * 5", "keys A to E"),
    Wrong("another word", "names_the_promise", QUIZ % ("atomic", AT_LEAST, EXACTLY, AT_LEAST, AT_MOST), "Choose from"),
    # deliver
    Wrong(
        "acknowledge before the effect",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    await queue.ack(message)
    await push.send(message.device, message.text)
""",
        "The acknowledgement came before the effect",
    ),
    Wrong(
        "acknowledge whatever happened",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    try:
        await push.send(message.device, message.text)
    except Exception:
        pass
    await queue.ack(message)
""",
        "acknowledged all the same",
    ),
    Wrong(
        "acknowledge what has failed before, as hopeless",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    if message.attempt == 1:
        await push.send(message.device, message.text)
    await queue.ack(message)
""",
        "m1 is lost",
    ),
    Wrong(
        "never acknowledge",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    await push.send(message.device, message.text)
""",
        "still in the queue",
    ),
    Wrong(
        "no await",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    push.send(message.device, message.text)
    await queue.ack(message)
""",
        "without `await`",
    ),
    Wrong(
        "a plain function",
        "loses_nothing",
        """
def deliver(message, queue, push):
    push.send(message.device, message.text)
    queue.ack(message)
""",
        "`async def deliver(...)`",
    ),
    Wrong(
        "try for ever",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    while True:
        await push.send(message.device, message.text)
""",
        "Return instead",
    ),
    Wrong(
        "asyncio",
        "loses_nothing",
        """
import asyncio


async def deliver(message, queue, push):
    await push.send(message.device, message.text)
    await asyncio.sleep(0)
    await queue.ack(message)
""",
        "There is no asyncio here",
    ),
    Wrong(
        "sleeps before it tries again",
        "loses_nothing",
        """
import time


async def deliver(message, queue, push):
    if message.attempt > 1:
        time.sleep(2)
    await push.send(message.device, message.text)
    await queue.ack(message)
""",
        "time is simulated here",
    ),
    Wrong(
        "gives up at the fifth delivery",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    if message.attempt < 5:
        await push.send(message.device, message.text)
    await queue.ack(message)
""",
        "503 and 429 pass",
    ),
    Wrong(
        "chance decides",
        "loses_nothing",
        """
import random


async def deliver(message, queue, push):
    await push.send(message.device, message.text + str(random.random())[:0])
    if random.random() < 0.5:
        await queue.extend(message, 20)
    await queue.ack(message)
""",
        "two different things under one and the same schedule",
    ),
    Wrong(
        "another text",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    await push.send(message.device, "You have a new message")
    await queue.ack(message)
""",
        "as they are",
    ),
    Wrong(
        "a loop without an end",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    while True:
        pass
""",
        "still running",
        "timed_out",
    ),
    Wrong(
        "print without an end",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    while True:
        print("still here")
""",
        "printed more",
        "over_limit",
    ),
    Wrong(
        "a mistake",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    await push.send(message.phone, message.text)
    await queue.ack(message)
""",
        "AttributeError",
        "raised",
    ),
    Wrong(
        "change the message",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    message.text = message.text.strip()
    await push.send(message.device, message.text)
    await queue.ack(message)
""",
        "a message does not change",
    ),
    Wrong(
        "the id where the message belongs",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    await push.send(message.device, message.text)
    await queue.ack(message.id)
""",
        "where the message itself belongs",
    ),
    Wrong(
        "acknowledge what the provider refuses, whatever its reason",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    try:
        await push.send(message.device, message.text)
    except Refused:
        pass
    await queue.ack(message)
""",
        "503 and 429 pass",
    ),
    Wrong(
        "three tries, and then it is done",
        "loses_nothing",
        """
async def deliver(message, queue, push):
    for _ in range(3):
        try:
            await push.send(message.device, message.text)
            break
        except (NoAnswer, Refused):
            pass
    await queue.ack(message)
""",
        "m1 is lost",
    ),
    # count_unread
    Wrong(
        "no memory at all",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    await store.add(f"unread:{message.user}", 1)
    await queue.ack(message)
""",
        "Nothing remembers that it was counted",
    ),
    Wrong(
        "note, then count",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    if await store.put_if_absent(f"seen:{message.id}", True):
        await store.add(f"unread:{message.user}", 1)
    await queue.ack(message)
""",
        "between the note and the count",
    ),
    Wrong(
        "count, then note",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    if not await store.get(f"seen:{message.id}"):
        await store.add(f"unread:{message.user}", 1)
        await store.put(f"seen:{message.id}", True)
    await queue.ack(message)
""",
        "between the note and the count",
    ),
    Wrong(
        "ask, then write: not atomic",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    seen = f"seen:{message.id}"
    if not await store.get(seen):
        await store.write({seen: True}, adds={f"unread:{message.user}": 1})
    await queue.ack(message)
""",
        "Two workers asked before either had noted anything",
    ),
    Wrong(
        "read, add one, write back",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    seen, unread = f"seen:{message.id}", f"unread:{message.user}"
    count = await store.get(unread) or 0
    await store.write({seen: True, unread: count + 1}, if_absent=seen)
    await queue.ack(message)
""",
        "Read, add and write back",
    ),
    Wrong(
        "a key for each delivery",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    seen = f"seen:{message.receipt}"
    await store.write({seen: True}, adds={f"unread:{message.user}": 1}, if_absent=seen)
    await queue.ack(message)
""",
        "Recognise the message, by its id",
    ),
    Wrong(
        "a key for each attempt",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    seen = f"seen:{message.id}:{message.attempt}"
    await store.write({seen: True}, adds={f"unread:{message.user}": 1}, if_absent=seen)
    await queue.ack(message)
""",
        "Recognise the message, by its id",
    ),
    Wrong(
        "memory of the process",
        "counts_exactly_once",
        """
seen = set()


async def count_unread(message, queue, store):
    if message.id not in seen:
        seen.add(message.id)
        await store.add(f"unread:{message.user}", 1)
    await queue.ack(message)
""",
        "Nothing remembers that it was counted",
    ),
    Wrong(
        "a memory that forgets after a minute",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    if await store.put_if_absent(f"window:{message.id}", True, ttl_s=60):
        await store.add(f"unread:{message.user}", 1)
    await queue.ack(message)
""",
        "between the note and the count",
    ),
    Wrong(
        "acknowledge first",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    await queue.ack(message)
    seen = f"seen:{message.id}"
    await store.write({seen: True}, adds={f"unread:{message.user}": 1}, if_absent=seen)
""",
        "The acknowledgement came before the count",
    ),
    Wrong(
        "one key for each user",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    seen = f"seen:{message.user}"
    await store.write({seen: True}, adds={f"unread:{message.user}": 1}, if_absent=seen)
    await queue.ack(message)
""",
        "too few",
    ),
    Wrong(
        "a key made of the text",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    seen = f"seen:{message.user}:{message.text}"
    await store.write({seen: True}, adds={f"unread:{message.user}": 1}, if_absent=seen)
    await queue.ack(message)
""",
        "too few",
    ),
    Wrong(
        "a lock of ten minutes around three requests",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    seen = f"seen:{message.id}"
    if await store.put_if_absent(f"lock:{message.id}", True, ttl_s=600):
        if not await store.get(seen):
            await store.write({seen: True}, adds={f"unread:{message.user}": 1})
        await queue.ack(message)
""",
        "too many",
    ),
    Wrong(
        "a note that lives for a quarter of an hour",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    seen = f"seen:{message.id}"
    await store.write({seen: True}, adds={f"unread:{message.user}": 1}, if_absent=seen)
    await store.put(seen, True, ttl_s=900)
    await queue.ack(message)
""",
        "must outlive every copy",
    ),
    Wrong(
        "no condition on the write",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    await store.write({f"seen:{message.id}": True}, adds={f"unread:{message.user}": 1})
    await queue.ack(message)
""",
        "name the note's own key",
    ),
    Wrong(
        "another counter",
        "counts_exactly_once",
        """
async def count_unread(message, queue, store):
    seen = f"seen:{message.id}"
    await store.write({seen: True}, adds={f"unread:{message.device}": 1}, if_absent=seen)
    await queue.ack(message)
""",
        "look at the key",
    ),
    # notify
    Wrong(
        "no memory at all",
        "hardly_ever_twice",
        """
async def notify(message, queue, store, push):
    await push.send(message.device, message.text)
    await queue.ack(message)
""",
        "Nothing remembers that the text was shown",
    ),
    Wrong(
        "a collapse key for an idempotency key",
        "hardly_ever_twice",
        """
async def notify(message, queue, store, push):
    await push.send(message.device, message.text, collapse_key=message.id)
    await queue.ack(message)
""",
        "Nothing remembers that the text was shown",
    ),
    Wrong(
        "ask, send, note",
        "hardly_ever_twice",
        """
async def notify(message, queue, store, push):
    if not await store.get(message.id):
        await push.send(message.device, message.text)
        await store.put(message.id, True)
    await queue.ack(message)
""",
        "Two workers asked before either had noted anything",
    ),
    Wrong(
        "a claim for ever",
        "hardly_ever_twice",
        """
async def notify(message, queue, store, push):
    if await store.put_if_absent(message.id, True):
        await push.send(message.device, message.text)
    await queue.ack(message)
""",
        "The note was made before the push was sent",
    ),
    Wrong(
        "a lease, and no note of what is done",
        "hardly_ever_twice",
        """
async def notify(message, queue, store, push):
    if await store.put_if_absent(message.id, True, ttl_s=60):
        await push.send(message.device, message.text)
        await queue.ack(message)
""",
        "must outlive every",
    ),
    Wrong(
        "a lease shorter than a sending",
        "hardly_ever_twice",
        """
async def notify(message, queue, store, push):
    if await store.get("sent:" + message.id):
        await queue.ack(message)
    elif await store.put_if_absent("claim:" + message.id, True, ttl_s=0.05):
        await push.send(message.device, message.text)
        await store.put("sent:" + message.id, True)
        await queue.ack(message)
""",
        "more time than a sending takes",
    ),
    Wrong(
        "the loser acknowledges",
        "hardly_ever_twice",
        """
async def notify(message, queue, store, push):
    if await store.put_if_absent("claim:" + message.id, True, ttl_s=60):
        if not await store.get("sent:" + message.id):
            await push.send(message.device, message.text)
            await store.put("sent:" + message.id, True)
    await queue.ack(message)
""",
        "m1 is lost",
    ),
    Wrong(
        "a claim for each delivery",
        "hardly_ever_twice",
        """
async def notify(message, queue, store, push):
    if await store.put_if_absent("claim:" + message.receipt, True, ttl_s=60):
        await push.send(message.device, message.text)
        await queue.ack(message)
""",
        "Recognise the message, by its id",
    ),
    Wrong(
        "asks whether it was sent before it has the claim",
        "hardly_ever_twice",
        """
async def notify(message, queue, store, push):
    if await store.get("sent:" + message.id):
        await queue.ack(message)
    elif await store.put_if_absent("claim:" + message.id, True, ttl_s=60):
        await push.send(message.device, message.text)
        await store.put("sent:" + message.id, True)
        await store.delete("claim:" + message.id)
        await queue.ack(message)
""",
        "after you have the claim",
    ),
    Wrong(
        "note first, then send",
        "hardly_ever_twice",
        """
async def notify(message, queue, store, push):
    if not await store.get(message.id):
        await store.put(message.id, True)
        await push.send(message.device, message.text)
    await queue.ack(message)
""",
        "The note was made before the push was sent",
    ),
    Wrong(
        "a lease that a busy worker outlives",
        "hardly_ever_twice",
        """
async def notify(message, queue, store, push):
    mine = await store.put_if_absent("claim:" + message.id, True, ttl_s=3)
    if await store.get("sent:" + message.id):
        await queue.ack(message)
    elif mine:
        await push.send(message.device, message.text)
        await store.put("sent:" + message.id, True)
        await queue.ack(message)
""",
        "more time than a sending takes",
    ),
    Wrong(
        "gives it back without a delay",
        "hardly_ever_twice",
        """
async def notify(message, queue, store, push):
    mine = await store.put_if_absent("claim:" + message.id, True, ttl_s=60)
    if await store.get("sent:" + message.id):
        await queue.ack(message)
    elif mine:
        await push.send(message.device, message.text)
        await store.put("sent:" + message.id, True)
        await queue.ack(message)
    else:
        await queue.nack(message)
""",
        "at once yours again",
    ),
    # deliver_batch
    Wrong(
        "acknowledge all at the end",
        "each_has_its_own_fate",
        """
async def deliver_batch(messages, queue, push):
    for message in messages:
        try:
            await push.send(message.device, message.text)
        except Refused as error:
            if error.status not in (400, 410):
                return
    for message in messages:
        await queue.ack(message)
""",
        "One fault repeated several messages",
    ),
    Wrong(
        "acknowledge all at the start",
        "each_has_its_own_fate",
        """
async def deliver_batch(messages, queue, push):
    for message in messages:
        await queue.ack(message)
    for message in messages:
        await push.send(message.device, message.text)
""",
        "The acknowledgement came before the effect",
    ),
    Wrong(
        "no refusal expected",
        "each_has_its_own_fate",
        """
async def deliver_batch(messages, queue, push):
    for message in messages:
        await push.send(message.device, message.text)
        await queue.ack(message)
""",
        "which is final",
    ),
    Wrong(
        "every refusal is for good",
        "each_has_its_own_fate",
        """
async def deliver_batch(messages, queue, push):
    for message in messages:
        try:
            await push.send(message.device, message.text)
        except Refused:
            pass
        await queue.ack(message)
""",
        "503 and 429 pass",
    ),
    Wrong(
        "every refusal is for a while",
        "each_has_its_own_fate",
        """
async def deliver_batch(messages, queue, push):
    for message in messages:
        try:
            await push.send(message.device, message.text)
            await queue.ack(message)
        except (Refused, NoAnswer):
            await queue.nack(message, delay_s=10)
""",
        "which is final",
    ),
    Wrong(
        "tries again on the spot until it works",
        "each_has_its_own_fate",
        """
async def deliver_batch(messages, queue, push):
    for message in messages:
        while True:
            try:
                await push.send(message.device, message.text)
                break
            except NoAnswer:
                pass
            except Refused as error:
                if error.status in (400, 410):
                    break
        await queue.ack(message)
""",
        "times",
    ),
    Wrong(
        "takes the first one only",
        "each_has_its_own_fate",
        """
async def deliver_batch(messages, queue, push):
    message = messages[0]
    try:
        await push.send(message.device, message.text)
    except Refused as error:
        if error.status not in (400, 410):
            return
    for message in messages:
        await queue.ack(message)
""",
        "is lost",
    ),
    Wrong(
        "stops at the first text that is refused",
        "each_has_its_own_fate",
        """
async def deliver_batch(messages, queue, push):
    for message in messages:
        try:
            await push.send(message.device, message.text)
        except Refused as error:
            if error.status in (400, 410):
                await queue.ack(message)
            return
        await queue.ack(message)
""",
        "leave the rest of the batch",
    ),
    Wrong(
        "asks a provider that is down without a pause",
        "each_has_its_own_fate",
        """
async def deliver_batch(messages, queue, push):
    for message in messages:
        try:
            await push.send(message.device, message.text)
        except Refused as error:
            if error.status not in (400, 410):
                await queue.nack(message)
                continue
        except NoAnswer:
            continue
        await queue.ack(message)
""",
        "with a delay of some seconds",
    ),
    # accept and relay
    Wrong(
        "record, then publish",
        "publishes_what_is_recorded",
        """
async def accept(request, store, queue):
    if await store.put_if_absent(f"request:{request.id}", request.text):
        await queue.publish(request.id, request.text)


async def relay(store, queue):
    return None
""",
        "must be found again by the relay",
    ),
    Wrong(
        "publish, then record",
        "publishes_what_is_recorded",
        """
async def accept(request, store, queue):
    await queue.publish(request.id, request.text)
    await store.put(f"request:{request.id}", request.text)


async def relay(store, queue):
    return None
""",
        "Record first",
    ),
    Wrong(
        "an outbox row in a second request",
        "publishes_what_is_recorded",
        """
async def accept(request, store, queue):
    if await store.put_if_absent(f"request:{request.id}", request.text):
        await store.put(f"outbox:{request.id}", request.text)
""",
        "must be found again by the relay",
    ),
    Wrong(
        "forget, then publish",
        "publishes_what_is_recorded",
        """
async def relay(store, queue):
    for key, text in await store.scan("outbox:"):
        await store.delete(key)
        await queue.publish(key.removeprefix("outbox:"), text)
""",
        "delete it only after publishing",
    ),
    Wrong(
        "a new id for each try",
        "publishes_what_is_recorded",
        """
tries = 0


async def relay(store, queue):
    global tries
    for key, text in await store.scan("outbox:"):
        tries += 1
        await queue.publish(f"event-{tries}", text)
        await store.delete(key)
""",
        "the request's own id",
    ),
    Wrong(
        "never forget",
        "publishes_what_is_recorded",
        """
async def relay(store, queue):
    for key, text in await store.scan("outbox:"):
        await queue.publish(key.removeprefix("outbox:"), text)
""",
        "Nothing failed, and m1 was published",
    ),
    Wrong(
        "a mark beside the row instead of its removal",
        "publishes_what_is_recorded",
        """
async def relay(store, queue):
    for key, text in await store.scan("outbox:"):
        if await store.put_if_absent("done:" + key, True):
            await queue.publish(key.removeprefix("outbox:"), text)
""",
        "are left beside the records",
    ),
    Wrong(
        "publish at once as well, to be quick",
        "publishes_what_is_recorded",
        """
async def accept(request, store, queue):
    record = f"request:{request.id}"
    await store.write({record: request.text, f"outbox:{request.id}": request.text}, if_absent=record)
    await queue.publish(request.id, request.text)
""",
        "do not publish it in `accept` as well",
    ),
    Wrong(
        "the client will come again, so no relay is needed",
        "publishes_what_is_recorded",
        """
async def accept(request, store, queue):
    await store.put(f"request:{request.id}", request.text)
    await queue.publish(request.id, request.text)


async def relay(store, queue):
    return None
""",
        "must be found again by the relay",
    ),
    Wrong(
        "one list of wishes, read and written back",
        "publishes_what_is_recorded",
        """
async def accept(request, store, queue):
    wishes = await store.get("outbox") or []
    await store.write({f"request:{request.id}": request.text, "outbox": [*wishes, [request.id, request.text]]})


async def relay(store, queue):
    for id, text in await store.get("outbox") or []:
        await queue.publish(id, text)
    await store.put("outbox", [])
""",
        "never published",
    ),
    # Seen
    Wrong(
        "remembers for ever",
        "remembers_its_window",
        """
class Seen:
    def __init__(self, window_s):
        self.keys = set()

    def first_time(self, key, now_s):
        first = key not in self.keys
        self.keys.add(key)
        return first
""",
        "it is new again",
    ),
    Wrong(
        "a repeat prolongs the window",
        "remembers_its_window",
        """
class Seen:
    def __init__(self, window_s):
        self.window_s, self.times = window_s, {}

    def first_time(self, key, now_s):
        first = now_s - self.times.get(key, float("-inf")) >= self.window_s
        self.times[key] = now_s
        return first
""",
        "does not prolong the window",
    ),
    Wrong(
        "the end of the window belongs to it",
        "remembers_its_window",
        """
class Seen:
    def __init__(self, window_s):
        self.window_s, self.times = window_s, {}

    def first_time(self, key, now_s):
        first = now_s - self.times.get(key, float("-inf")) > self.window_s
        if first:
            self.times[key] = now_s
        return first
""",
        "it is new again",
    ),
    Wrong(
        "everything is forgotten at once, every window",
        "remembers_its_window",
        """
class Seen:
    def __init__(self, window_s):
        self.window_s, self.keys, self.since_s = window_s, set(), 0

    def first_time(self, key, now_s):
        if now_s - self.since_s >= self.window_s:
            self.keys, self.since_s = set(), now_s
        first = key not in self.keys
        self.keys.add(key)
        return first
""",
        "within the window",
    ),
    Wrong(
        "says nothing",
        "remembers_its_window",
        """
class Seen:
    def __init__(self, window_s):
        pass

    def first_time(self, key, now_s):
        pass
""",
        "Return True or False",
    ),
    Wrong("a function", "remembers_its_window", "def Seen(window_s):\n    return {}\n", "has no method"),
    Wrong(
        "keeps every time",
        "forgets_what_it_may",
        """
class Seen:
    def __init__(self, window_s):
        self.window_s, self.times = window_s, {}

    def first_time(self, key, now_s):
        first = now_s - self.times.get(key, float("-inf")) >= self.window_s
        if first:
            self.times[key] = now_s
        return first
""",
        "are still in memory",
    ),
    Wrong(
        "keeps a copy of every key",
        "forgets_what_it_may",
        """
class Seen:
    def __init__(self, window_s):
        self.window_s, self.times = window_s, {}

    def first_time(self, key, now_s):
        key = "seen:" + key
        first = now_s - self.times.get(key, float("-inf")) >= self.window_s
        if first:
            self.times[key] = now_s
        return first
""",
        "entries made of them",
    ),
    # visibility_s
    Wrong("the default", "time_out_is_a_quantile", "visibility_s = 30", "are still at work"),
    Wrong("the mean", "time_out_is_a_quantile", "visibility_s = sum(JOB_TIMES_S) / 1000", "The mean says nothing"),
    Wrong("the p99", "time_out_is_a_quantile", "visibility_s = sorted(JOB_TIMES_S)[990]", "nearly there"),
    Wrong("an hour, to be safe", "time_out_is_a_quantile", "visibility_s = 3600", "180 s are allowed"),
    Wrong("milliseconds", "time_out_is_a_quantile", "visibility_s = 130_000", "180 s are allowed"),
    Wrong("a text", "time_out_is_a_quantile", 'visibility_s = "130 s"', "a number of seconds"),
    Wrong("no number at all", "time_out_is_a_quantile", 'visibility_s = float("nan")', "180 s are allowed"),
    # render
    Wrong(
        "no heartbeat",
        "holds_on_while_alive",
        """
async def render(message, queue, job):
    for part in range(job.parts):
        await job.render(message, part)
    await queue.ack(message)
""",
        "Nobody told the queue",
    ),
    Wrong(
        "one long extension at the start",
        "holds_on_while_alive",
        """
async def render(message, queue, job):
    await queue.extend(message, 60)
    for part in range(job.parts):
        await job.render(message, part)
    await queue.ack(message)
""",
        "not by what the whole job needs",
    ),
    Wrong(
        "extensions shorter than a part",
        "holds_on_while_alive",
        """
async def render(message, queue, job):
    for part in range(job.parts):
        await queue.extend(message, 5)
        await job.render(message, part)
    await queue.ack(message)
""",
        "Extend by more than that",
    ),
    Wrong(
        "a heartbeat every third part",
        "holds_on_while_alive",
        """
async def render(message, queue, job):
    for part in range(job.parts):
        if part % 3 == 0:
            await queue.extend(message, 10)
        await job.render(message, part)
    await queue.ack(message)
""",
        "Extend by more than that",
    ),
    Wrong(
        "acknowledge at the start, and nobody can take it",
        "holds_on_while_alive",
        """
async def render(message, queue, job):
    await queue.ack(message)
    for part in range(job.parts):
        await job.render(message, part)
""",
        "was never done",
    ),
    # reviews
    Wrong("no fault", "breaks_colleague_1", "schedule_1 = []", "keeps its promise"),
    Wrong("a copy that comes too late", "breaks_colleague_1", 'schedule_1 = [("copy", "m1", 10)]', "keeps its promise"),
    Wrong("a crash", "breaks_colleague_1", 'schedule_1 = [("crash", "m1", 1, 2)]', "allows 'copy' and 'late' only"),
    Wrong("one fault without a list", "breaks_colleague_1", 'schedule_1 = ("copy", "m1", 0.05)', "a list of faults"),
    Wrong("an unknown fault", "breaks_colleague_1", 'schedule_1 = [("earthquake", "m1")]', "the kinds are"),
    Wrong("no fault", "breaks_colleague_2", "schedule_2 = []", "keeps its promise"),
    Wrong("a copy within the window", "breaks_colleague_2", 'schedule_2 = [("copy", "m1", 5)]', "keeps its promise"),
    Wrong("a death after sending", "breaks_colleague_2", 'schedule_2 = [("crash", "m1", 1, 2)]', "keeps its promise"),
    Wrong("too many faults", "breaks_colleague_2", 'schedule_2 = [("copy", "m1", 1)] * 3', "2 are enough"),
)
