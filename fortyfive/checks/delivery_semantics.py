"""Exercise 06: acknowledge, count, send, relay and remember under faults, and find the schedule that breaks others."""

from __future__ import annotations

from fortyfive.checks import delivery_semantics_memory as memory
from fortyfive.checks import delivery_semantics_review as review
from fortyfive.checks.delivery_semantics_advice import advise
from fortyfive.checks.delivery_semantics_jobs import JOB_TIMES_S
from fortyfive.checks.delivery_semantics_scenes import BATCH_PLAN, COUNT_PLAN, JOB_PLAN, OUTBOX_PLAN, PLAN
from fortyfive.checks.quantiles import read_seconds, where_to_look
from fortyfive.checks.schedules import HUNTS, holds
from fortyfive.grading.exercise import Answer, Exercise
from fortyfive.grading.report import Failure
from fortyfive.sim.hunt import Plan

STEM = "06_delivery_semantics"
SCENES = "fortyfive.checks.delivery_semantics_scenes"

exercise = Exercise(STEM, title="Delivery semantics")
exercise.scenes = {
    "deliver": f"{SCENES}:AT_LEAST_ONCE",
    "count_unread": f"{SCENES}:COUNTED",
    "notify": f"{SCENES}:NOTIFIED",
    "deliver_batch": f"{SCENES}:BATCHED",
    "accept": f"{SCENES}:OUTBOX",
    "render": f"{SCENES}:JOBS",
    "colleague_1": "fortyfive.checks.delivery_semantics_review:COLLEAGUE_1",
    "colleague_2": "fortyfive.checks.delivery_semantics_review:COLLEAGUE_2",
}
check = exercise.check


def _holds(answer: Answer, name: str, plan: Plan) -> str:
    return holds(answer, STEM, name, exercise.scenes[name], plan, advise)


PROMISES = ("at most once", "at least once", "exactly once", "nothing")
PROMISED = {
    "A": "at most once",
    "B": "at least once",
    "C": "exactly once",
    "D": "at least once",
    "E": "at most once",
}
WHY_NOT = {
    "A": "When the worker dies after the acknowledgement, who sends the push? And can it be sent a second time?",
    "B": "When the worker dies before the acknowledgement, the message comes again. What happens to the push then?",
    "C": "Note and counter are one transaction: is there a moment in which one of them is done and the other is not?",
    "D": "The worker dies after the push and before the note. What does the redelivery find?",
    "E": "The worker dies after the note and before the push. What does the redelivery find, and what does it do?",
}


@check(
    points=2,
    needs=["promises"],
    hints=[
        "Imagine the worker dies between any two steps. What is done already, and what does the redelivery do?",
        "An acknowledgement and a note both make sure that it is not done again. Does the effect come before or after?",
        "Forgets first, then acts: at most once. Acts first: at least once. Both in one transaction: exactly once.",
    ],
    takeaway="What decides is whether the effect comes before or after the thing that forgets the message. Only where "
    "effect and note are one transaction is there no moment between them, and it covers no more than that database.",
)
def names_the_promise(answer: Answer) -> None:
    """Each consumer is given the promise that it keeps"""
    given = answer.value("promises")
    if not isinstance(given, dict) or set(given) != set(PROMISED):
        raise Failure(
            f"`promises` is {given!r}, and it should be a dictionary with the keys A to E.",
            help='For example {"A": "at least once", "B": ...}.',
        )
    for consumer, promise in PROMISED.items():
        said = given[consumer]
        said = said.strip().lower().replace("-", " ") if isinstance(said, str) else said
        if said not in PROMISES:
            raise Failure(
                f"Consumer {consumer} is given {said!r}.",
                help=f"Choose from: {', '.join(map(repr, PROMISES))}.",
            )
        if said != promise:
            raise Failure(f"Consumer {consumer} does not promise {said!r}.", help=WHY_NOT[consumer])


@check(
    points=2,
    needs=["deliver"],
    hints=[
        "Your worker may die after any `await`. Which of your two requests must not be the last one that was done?",
        "As long as a message is not acknowledged it comes back. When may it stop coming back?",
        "First `await push.send(message.device, message.text)`, then `await queue.ack(message)`.",
    ],
    takeaway="Acknowledge after the effect, and the queue's memory covers every death before it. The price is the "
    "repeat: at least once.",
    limits=HUNTS,
)
def loses_nothing(answer: Answer) -> str:
    """Nothing is lost, whoever dies and whatever is delivered again"""
    return _holds(answer, "deliver", PLAN)


@check(
    points=3,
    needs=["count_unread"],
    hints=[
        "`store.add` is not idempotent: done twice, it counts twice. What would tell a repeat from a first time?",
        "A note under the message's id tells it, if the note and the count cannot be separated by a death or by "
        "another worker.",
        "One `store.write` with `adds={...}` for the count, the note in `puts`, and `if_absent=` the note's key; then "
        "acknowledge.",
    ],
    takeaway="Exactly once is an atomic write of the effect and of the key that recognises it. The key names the "
    "message, not the delivery.",
    limits=HUNTS,
)
def counts_exactly_once(answer: Answer) -> str:
    """Each message is counted exactly once"""
    return _holds(answer, "count_unread", COUNT_PLAN)


@check(
    points=4,
    needs=["notify"],
    hints=[
        "Two workers may hold the same message at once. Which call of the store lets exactly one of them go on?",
        "The one that goes on may die. A claim with `ttl_s` ends by itself; whoever meets a live claim neither sends "
        "nor acknowledges. And what tells a finished message from a claimed one?",
        "Claim with `put_if_absent(..., ttl_s=60)`; if `sent:ID` is in the store, acknowledge; else, if the claim is "
        "yours, send, put `sent:ID`, acknowledge; else return.",
    ],
    takeaway="A claim with a lease keeps two living workers apart, a note of what is done stops repeats, and the "
    "moment between sending and noting stays open: at least once, with rare repeats. Nobody does better without the "
    "provider's help.",
    limits=HUNTS,
)
def hardly_ever_twice(answer: Answer) -> str:
    """Nothing is lost, and a text is shown twice only where a fault hid the first time"""
    return _holds(answer, "notify", PLAN)


@check(
    points=3,
    needs=["deliver_batch"],
    hints=[
        "Five messages, five fates. What does an acknowledgement for all of them at once say about the third?",
        "Acknowledge each right after its own effect. Which refusals will never become a yes?",
        "`try: await push.send(...)`, `except Refused as error`: for 400 and 410 acknowledge, for 429 and 503 leave it "
        "and go on with the next; the same for `NoAnswer`.",
    ],
    takeaway="A batch saves requests and is no transaction: each message has its own effect, its own error and its own "
    "acknowledgement.",
    limits=HUNTS,
)
def each_has_its_own_fate(answer: Answer) -> str:
    """In a batch, one message's failure costs the others nothing"""
    return _holds(answer, "deliver_batch", BATCH_PLAN)


@check(
    points=3,
    needs=["accept", "relay"],
    hints=[
        "Whatever `accept` does in two requests, a death can separate. What can it do in one?",
        "Write the record and a row that says 'to be published' in one transaction; let the relay do the rest.",
        "`accept`: one `store.write` of `request:ID` and `outbox:ID`, `if_absent` the record. `relay`: for each row of "
        "`store.scan('outbox:')` publish under the id, and then delete the row.",
    ],
    takeaway="A dual write becomes one write and a relay that repeats until it worked. The outbox makes publishing at "
    "least once, and the message's own id lets the other side see repeats.",
    limits=HUNTS,
)
def publishes_what_is_recorded(answer: Answer) -> str:
    """What is recorded is published, and nothing else is"""
    return _holds(answer, "accept", OUTBOX_PLAN)


@check(
    points=2,
    needs=["Seen"],
    hints=[
        "When may a key be forgotten? Which key is the first that may be?",
        "Keys leave in the order in which they were let through. What keeps that order, and forgets at one end?",
        "A set of keys, and a `deque` of (time, key): before each answer take from its left end what is `window_s` old "
        "or older.",
    ],
    takeaway="A de-duplication window is a promise with an end: nothing is recognised after it, and memory is what it "
    "costs inside it.",
)
def remembers_its_window(answer: Answer) -> None:
    """A repeat within the window is recognised, and nothing else is"""
    memory.judge(answer)


@check(
    points=1,
    needs=["Seen"],
    after=remembers_its_window,
    hints=[
        "What does your object still hold after an hour in which ten thousand keys came and went?",
        "A key whose window has passed must leave every list, set and dictionary of yours.",
        "Delete the expired from both ends of your bookkeeping: the queue of times and the set of keys.",
    ],
    takeaway="Bounded by rate times window: 10,000 messages/s and 5 minutes are 3 million keys.",
)
def forgets_what_it_may(answer: Answer) -> None:
    """Keys whose window is over are no longer held in memory"""
    memory.judge_size(answer)


ALLOWED = len(JOB_TIMES_S) // 1_000
BACK_S = 180
SHORTEST_S = sorted(JOB_TIMES_S)[-1 - ALLOWED]


@check(
    points=2,
    needs=["visibility_s"],
    hints=[
        "'At most 1 in 1,000' is a quantile. Which one, and which of the thousand measured times is it?",
        "Sort the times. How many of them may be longer than the time-out?",
        "`sorted(JOB_TIMES_S)[-2]` is the smallest time-out that only one job exceeds; from there to 180 s all is "
        "well.",
    ],
    takeaway="A visibility time-out is a quantile of the service time, chosen from the rate of false time-outs that "
    "you accept, and bounded by how long a dead worker's message may wait.",
)
def time_out_is_a_quantile(answer: Answer) -> None:
    """At most one job in a thousand outlives the time-out, and a dead worker's message is back within 3 minutes"""
    given = read_seconds(answer, "visibility_s")
    longer = sum(time > given for time in JOB_TIMES_S)
    if longer > ALLOWED:
        raise Failure(
            f"With a time-out of {given:g} s, {longer} of the 1,000 jobs are still at work when their message is "
            f"delivered to a second worker; {ALLOWED} may be.",
            help=where_to_look(given, JOB_TIMES_S),
        )
    if not given <= BACK_S:
        raise Failure(
            f"With a time-out of {given:g} s a dead worker's message waits {given:g} s; {BACK_S} s are allowed.",
            help="Longer than the p99.9 buys nothing, and every second of it is a second of waiting after a death.",
        )


@check(
    points=3,
    needs=["render"],
    hints=[
        "A delivery is hidden for 10 s, and the job takes up to 48 s. Who has to say that you are still alive, and "
        "when?",
        "Extend before each part by more than a part takes, and by no more than the 20 s that a death may cost.",
        "`for part in range(job.parts)`: `await queue.extend(message, 10)`, then `await job.render(message, part)`; "
        "acknowledge at the end.",
    ],
    takeaway="A heartbeat separates 'slow' from 'dead': the time-out covers one part instead of the whole job, so a "
    "death is noticed soon and a long job is left alone.",
    limits=HUNTS,
)
def holds_on_while_alive(answer: Answer) -> str:
    """Nobody takes the job from a living worker, and a dead one's job is taken soon"""
    return _holds(answer, "render", JOB_PLAN)


@check(
    points=2,
    needs=["schedule_1"],
    hints=[
        "The colleague asks, and then acts. What can happen between the question and the note?",
        "A second worker that asks before the first has noted gets the same answer. When must the second copy come?",
        '`[("copy", "m1", 0.05)]`: sending takes about 80 ms.',
    ],
    takeaway="Check, then act, is a race whenever two can check before one has acted. The check must itself be the "
    "act: a conditional write.",
)
def breaks_colleague_1(answer: Answer) -> None:
    """The first colleague's push is shown twice, and no fault hid a sending"""
    review.disprove(answer.value("schedule_1"), review.COLLEAGUE_1, only=("copy", "late"))


@check(
    points=2,
    needs=["schedule_2"],
    hints=[
        "The claim is made before the push is sent. Who answers for the claim?",
        "The worker dies between the claim and the push: what does the redelivery do?",
        '`[("crash", "m1", 1, 1)]`: right after the first `await`.',
    ],
    takeaway="A note that is made before the effect is an acknowledgement: it turns at least once into at most once. "
    "And a window that ends turns it back.",
)
def breaks_colleague_2(answer: Answer) -> None:
    """The second colleague loses the push, or shows it twice without an excuse"""
    review.disprove(answer.value("schedule_2"), review.COLLEAGUE_2, only=())
