"""Exercise 04: draw designs and run them, let one grow, make one smaller, and predict what a run will show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fortyfive.checks import high_level_design_given as given
from fortyfive.checks import high_level_design_numbers as numbers
from fortyfive.grading.exercise import Answer, Exercise

if TYPE_CHECKING:
    from fortyfive.judgement.judge import Judgement

exercise = Exercise("04_high_level_design", title="High-level design")
check = exercise.check


def _judged(answer: Answer, name: str, prompt: str) -> Judgement:
    from fortyfive.checks import high_level_design_drawings as drawings

    return drawings.judged(drawings.drawing(answer, name), name, prompt)


# --- 1. the skeleton


@check(
    points=1,
    needs=["skeleton"],
    hints=[
        "Begin with who calls, and what is called. One line is a design already.",
        "`client -> gateway -> notify x4` are three boxes and two arrows; `x4` says how many machines.",
        "Parameters stand behind a box in brackets, `queue [limit=1M, tries=5]`, or behind an arrow: "
        "`->[retry=3] notify`. A line and a column say where the text cannot be read.",
    ],
    takeaway="A drawing that anybody can type on a call, and that a machine can run.",
)
def skeleton_reads(answer: Answer) -> None:
    """The skeleton of the notification system can be read, and run"""
    _judged(answer, "skeleton", "notifications")


@check(
    points=1,
    needs=["skeleton"],
    after=skeleton_reads,
    hints=[
        "Walk through one request, arrow by arrow. What must it reach, and how many devices does a user have?",
        "A request passes your code, reads tokens from a store, and becomes one message for each of four devices, each "
        "of which reaches the provider.",
        "`notify -> kv` reads the tokens; `->[fanout=4]` makes four of one; `apns` is a push provider.",
    ],
    takeaway="Breadth first: every way is there, from the caller to the phone, before any box is tuned.",
)
def skeleton_has_every_way(answer: Answer) -> None:
    """A request reaches the store, and each of the four devices by the push provider"""
    from fortyfive.checks import high_level_design_drawings as drawings

    judgement = _judged(answer, "skeleton", "notifications")
    drawings.require(judgement, drawings.WAYS)
    drawings.require_own_code(judgement)


@check(
    points=1,
    needs=["skeleton"],
    after=skeleton_has_every_way,
    hints=[
        "What does the caller wait for, and which of it did they ask for?",
        "The caller needs to know that you have it, not that the phone has it. What keeps a promise while nobody "
        "waits, and outlives a process?",
        "`notify -> queue -> workers -> apns`: the answer comes when the queue has the message.",
    ],
    takeaway="The answer says 'I have it', and a queue keeps that promise. A slow day at the provider is then a longer "
    "queue, and no time-out at your callers.",
)
def skeleton_answers_first(answer: Answer) -> None:
    """The answer does not wait for the provider, and what waits outlives a process"""
    from fortyfive.checks import high_level_design_drawings as drawings

    drawings.require(_judged(answer, "skeleton", "notifications"), drawings.ANSWERS)


@check(
    points=2,
    needs=["skeleton"],
    after=skeleton_answers_first,
    hints=[
        "How many messages a second come to the workers, and for how long does one of them take a slot?",
        "500 requests/s make 2,000 messages/s. A worker takes 50 ms and waits another 50 ms for the provider: 200 "
        "slots are busy on average, and a machine has 16.",
        "13 machines would be busy all the time: try `workers x20`. And look at the dearest lines of the bill.",
    ],
    takeaway="Rate x time is how many are at work at once, and that over the slots is the machines. The run says the "
    "rest: what waits, and what a month costs.",
)
def skeleton_keeps_its_promises(answer: Answer) -> str:
    """Under its load the skeleton answers and delivers in time, within its budget"""
    from fortyfive.checks import high_level_design_drawings as drawings

    judgement = _judged(answer, "skeleton", "notifications")
    drawings.require(judgement, drawings.PROMISES)
    return drawings.figures(judgement)


@check(
    points=2,
    needs=["skeleton"],
    after=skeleton_keeps_its_promises,
    hints=[
        "Which box is there once? And where there are four: who knows that one of them is dead, and since when?",
        "A balancer needs seconds to notice. Until then one call in four meets the dead one.",
        "`gateway ->[retry=3] notify x4`: a call that failed is tried again, and meets another machine.",
    ],
    takeaway="Redundancy is the half of it. Between the death and its detection somebody has to try again.",
)
def skeleton_survives(answer: Answer) -> None:
    """Any one instance may die, and 99.9 % of the requests are still answered"""
    from fortyfive.checks import high_level_design_drawings as drawings

    drawings.require(_judged(answer, "skeleton", "notifications"), drawings.SURVIVES)


@check(
    points=1,
    needs=["skeleton"],
    after=skeleton_survives,
    hints=[
        "What would a good interviewer push on? Ask yourself 'and then?' of each box that holds something.",
        "A queue needs an end and a place for what always fails; a service under too much load has to refuse; and what "
        "no promise needs waits for version 2.",
        "`queue [limit=1M, tries=5]`, `notify x4 [backlog=20]`, and no box that nothing would miss.",
    ],
    takeaway="Limits are part of the skeleton: how long a queue may get, how often a message is tried, how many may "
    "wait. What no number asks for is deferred, and said to be.",
)
def skeleton_leaves_nothing_to_push_on(answer: Answer) -> None:
    """Queues have limits, twice the load does no lasting harm, and every box is earned"""
    from fortyfive.checks import high_level_design_drawings as drawings

    drawings.require_none(_judged(answer, "skeleton", "notifications").findings)


# --- 2. ten times


@check(
    points=1,
    needs=["design_10x"],
    hints=[
        "Run today's design under the new load. What is full first? Mend that, and run it again.",
        "Three things fill up: the services, the store, and the workers. The workers are the dearest line of a month.",
        "`notify x12`; a store of three parts (`kv x3`), or a cache before it; and workers that take several messages "
        "at once: `workers x20 [batch=10]`.",
    ],
    takeaway="What is paid for by the request grows with the load; what is paid for by the machine is where a design "
    "saves: ten times the messages, and the same workers.",
)
def ten_times_carries(answer: Answer) -> str:
    """The design carries ten times the load, also with an instance dead, within its budget"""
    from fortyfive.checks import high_level_design_changes as changes
    from fortyfive.checks import high_level_design_drawings as drawings

    return changes.carries(drawings.drawing(answer, changes.NAME, given.TODAY))


@check(
    points=1,
    needs=["design_10x", "changes"],
    after=ten_times_carries,
    hints=[
        "Put the two texts side by side. Which names are in both, and which of these say something else now?",
        "A box is kept if its parameters and the arrows that leave it are as before. What was floated and is not drawn "
        "is deferred.",
        '`changes = {"kept": [...], "changed": [...], "added": [...], "deferred": ["second region", ...]}`; each box '
        "stands in one list.",
    ],
    takeaway="Kept, changed, deferred: a growth step is a diff, and an interviewer who hears it as one need not "
    "compare two drawings.",
)
def ten_times_says_what_changed(answer: Answer) -> None:
    """What is said to be kept, changed, added and deferred is what the two designs say"""
    from fortyfive.checks import high_level_design_changes as changes
    from fortyfive.checks import high_level_design_drawings as drawings

    text = drawings.drawing(answer, changes.NAME, given.TODAY)
    changes.judge_stated(text, answer.value("changes"))


@check(
    points=2,
    needs=["design_10x"],
    after=ten_times_carries,
    hints=[
        "Which of your changes did a run ask for?",
        "Undo them one at a time, and run. What still holds without a change does not need it.",
        "What has room today, or is somebody else's to scale, stays as it is: the gateway, the queue and its limits, "
        "the provider.",
    ],
    takeaway="The smallest diff that carries the load. Each change is a risk and a line in somebody's review, so each "
    "needs its number.",
)
def ten_times_needs_each_change(answer: Answer) -> None:
    """Without any one of its changes the design would not carry the load"""
    from fortyfive.checks import high_level_design_changes as changes
    from fortyfive.checks import high_level_design_drawings as drawings

    changes.judge_needed(drawings.drawing(answer, changes.NAME, given.TODAY))


# --- 3. one dead


@check(
    points=1,
    needs=["shortener"],
    hints=[
        "4,000 requests/s, 20 ms each: how many are at work at once?",
        "80 slots are busy on average, more while they wait for a store; a service has 16 a machine.",
        "`client -> lb -> shorten x8`, and behind it a store that holds 4,000 reads/s: one part of a key-value store "
        "is full there, so `links:kv x4`, or a cache before it.",
    ],
    takeaway="Reads are a hundred times the writes here, and the store decides: more parts, or a cache. Both are "
    "cheap; saying which promise each keeps is the point.",
)
def shortener_serves(answer: Answer) -> str:
    """The URL shortener keeps its promises under its load, within its budget"""
    from fortyfive.checks import high_level_design_drawings as drawings

    judgement = _judged(answer, "shortener", "url-shortener")
    drawings.require(judgement, drawings.WAYS)
    drawings.require_own_code(judgement)
    drawings.require(judgement, (*drawings.ANSWERS, *drawings.PROMISES))
    return drawings.figures(judgement)


@check(
    points=2,
    needs=["shortener"],
    after=shortener_serves,
    hints=[
        "Eight machines, one of them dead. Which share of the calls meets it, until somebody has noticed?",
        "One in eight, for three seconds: far more than one in a thousand. A second try meets the dead one with a "
        "chance of one in eight again.",
        "(1/8) to the power of (tries) fail for 3 s, and 0.001 of the 10 s may in which the machine is dead: three "
        "tries, `lb ->[retry=2] shorten x8`. A cache is `->[optional]`, so that its death is a miss.",
    ],
    takeaway="With n machines and k retries, (1/n)^(k+1) of the requests fail while nobody has noticed. The copies "
    "alone give 1 - 1/n.",
)
def shortener_survives(answer: Answer) -> None:
    """With any one instance dead, 99.9 % of the requests are answered"""
    from fortyfive.checks import high_level_design_drawings as drawings

    drawings.require(_judged(answer, "shortener", "url-shortener"), drawings.SURVIVES)


# --- 4. too much


@check(
    points=1,
    needs=["removed"],
    hints=[
        "Read the prompt again, sentence by sentence. Which box is there for which?",
        "Somebody has to answer, spread the calls, hold 4,000 reads/s, and keep the links.",
        "Counting clicks, scanning for viruses, searching, handing out numbers: the prompt asks for none of them.",
    ],
    takeaway="A box that goes must be proved needless, as one that comes must be proved needed: the run has looked at "
    "all that was promised.",
)
def lean_meets(answer: Answer) -> str:
    """What is left of the shortener keeps all of its promises"""
    from fortyfive.checks import high_level_design_predictions as predictions

    return predictions.judge_meets(answer.value("removed"))


@check(
    points=2,
    needs=["removed"],
    after=lean_meets,
    hints=[
        "For each box that is left: what would break without it, and in which run?",
        "A chain goes as a whole: whoever removes the stream needs neither its readers nor their tables.",
        "Five boxes are left: client, lb, shorten, cache, links.",
    ],
    takeaway="Five boxes keep the promises that fourteen did not: each box is also one that can die, and one "
    "that costs. The others wait for a requirement.",
)
def lean_is_lean(answer: Answer) -> None:
    """Nothing is left of the shortener that no promise needs"""
    from fortyfive.checks import high_level_design_predictions as predictions

    predictions.judge_lean(answer.value("removed"))


# --- 5. what breaks first


@check(
    points=1,
    needs=["bottleneck"],
    hints=[
        "A box is full when calls a second x the time that each takes a slot is as many as it has slots.",
        "A service or a worker keeps its slot while it waits for what it calls. And count the calls per post: some "
        "boxes see fewer than one, some more.",
        "api 32 slots, about 28 ms; db 6 slots, 60 ms, every fifth post; workers 32 slots, 5 ms + 75 ms, three "
        "messages a post.",
    ],
    takeaway="One of the fastest boxes is full first, because it waits for the slowest, three times a post. Time at "
    "work is not time taken.",
)
def bottleneck_is_found(answer: Answer) -> str:
    """As the posts grow, this box is full first"""
    from fortyfive.checks import high_level_design_predictions as predictions

    return predictions.judge_bottleneck(answer.value("bottleneck"))


@check(
    points=2,
    needs=["breaks_at"],
    hints=[
        "How many calls a second can the box that is full first take, and how many come today?",
        "Capacity is machines x slots / time taken; then divide by the calls per post, and by today's posts a second.",
        "2 x 16 / 80 ms are 400 messages/s; three a post and 50 posts/s are 150 messages/s today.",
    ],
    takeaway="Capacity over demand, from four numbers: machines, slots, the time that one is taken, calls per request.",
)
def breaking_point_is_predicted(answer: Answer) -> str:
    """At so many times the load the first box is full"""
    from fortyfive.checks import high_level_design_predictions as predictions

    return predictions.judge_breaks_at(answer.value("breaks_at"))


# --- 6. who gets the next request


@check(
    points=1,
    needs=["policies"],
    hints=[
        "All requests take the same time. What can go wrong is that two come to one machine.",
        "Taking turns gives each machine the same, evenly in time. What more could one know?",
        "Try it: `round-robin`.",
    ],
    takeaway="Where requests are alike, taking turns is as good as looking, and random is not: by chance they pile up.",
)
def policy_for_like_requests(answer: Answer) -> str:
    """Where requests are alike, the policy has the best p99"""
    from fortyfive.checks import high_level_design_predictions as predictions

    return predictions.judge_policy(answer.value("policies"), "alike")


@check(
    points=1,
    needs=["policies"],
    hints=[
        "A request that takes ten times as long blocks its machine. Who must know?",
        "The balancer can count what is under way at each machine.",
        "Send the next one where the fewest are under way: `least`.",
    ],
    takeaway="Where work is uneven, turns are blind: the request behind a long one waits. Looking at all is best, "
    "looking at two is most of it.",
)
def policy_for_uneven_requests(answer: Answer) -> str:
    """Where requests are uneven, the policy has the best p99"""
    from fortyfive.checks import high_level_design_predictions as predictions

    return predictions.judge_policy(answer.value("policies"), "uneven")


@check(
    points=1,
    needs=["policies"],
    hints=[
        "How many requests are under way at a machine that answers each at once with an error?",
        "None: it looks idle. Which policies send to whoever looks idle?",
        "A policy that does not look loses its share and no more: `round-robin` or `random`.",
    ],
    takeaway="A machine that fails fast looks idle, and `least` sends it all it can: the clever policy loses several "
    "times as much, until a health check notices.",
)
def policy_while_one_is_dead(answer: Answer) -> str:
    """While one machine is dead and nobody has noticed, the policy loses the fewest requests"""
    from fortyfive.checks import high_level_design_predictions as predictions

    return predictions.judge_policy(answer.value("policies"), "one dies")


# --- 7. the sale


@check(
    points=1,
    needs=["shop"],
    hints=[
        "Four operations, four ways. Which of them must not wait, and for what?",
        "`->[only=browse]` sends one kind of request along an arrow; `only=order+orders` two. A mail leaves by a "
        "queue.",
        "`lb ->[only=order+orders, retry=4] order x3 -> db:sql x2 [standby]` and "
        "`order ->[only=order] mails:queue -> workers x2 -> mail:push`; a way of its own for browse and for cart.",
    ],
    takeaway="One drawing, several ways, and each has its own promise: what may be cached, what must be right, and "
    "what may come later.",
)
def shop_meets_the_day(answer: Answer) -> str:
    """On an ordinary day the shop keeps all of its promises, within its budget"""
    from fortyfive.checks import high_level_design_drawings as drawings

    judgement = _judged(answer, "shop", "checkout")
    drawings.require(judgement, drawings.WAYS)
    drawings.require_own_code(judgement)
    drawings.require(judgement, drawings.KEEPS)
    return drawings.figures(judgement)


@check(
    points=2,
    needs=["shop"],
    after=shop_meets_the_day,
    hints=[
        "Reads grow three times, writes ten. Which boxes see the writes?",
        "No cache answers a write: they all arrive at the services, the stores and the queue.",
        "`run(design, load.times(3, 10))` names what is full. Add machines there, and nowhere else.",
    ],
    takeaway="Growth is not one number. A cache takes the reads; the writes come through, ten times as many, so the "
    "way of the writes needs room before the sale.",
)
def shop_meets_the_sale(answer: Answer) -> str:
    """On the day of the sale, with three times the reads and ten times the writes, it keeps them too"""
    from fortyfive.checks import high_level_design_drawings as drawings

    return drawings.judge_sale(drawings.drawing(answer, "shop"))


# --- 8. two numbers


@check(
    points=1,
    needs=["instances_for"],
    hints=[
        "How many requests are at work at once, if so many come a second and each takes so long?",
        "Rate x time (Little's law). One machine takes `slots` of them, and may be busy for a share of that.",
        "`return math.ceil(rate_per_s * service_s / (slots * most_busy))`",
    ],
    takeaway="Little's law and a headroom: the first number of every drawing, in one line.",
)
def instances_are_counted(answer: Answer) -> None:
    """The function returns the smallest number of machines that is not too busy"""
    numbers.judge_instances(answer)


@check(
    points=1,
    needs=["collision_chance"],
    hints=[
        "Two links collide, not one. How many pairs do n links make?",
        "Pairs are n x (n - 1) / 2, codes are 62 ** length, and each pair is equal with a chance of 1 / codes.",
        "`return 1 - math.exp(-links * (links - 1) / 2 / 62**length)`",
    ],
    takeaway="The birthday bound: collisions come with the square of the links, so a code has to be twice as long as "
    "the count alone suggests, or be checked when it is stored.",
)
def collisions_are_likely(answer: Answer) -> str:
    """The function returns the chance that two of the random short links are the same"""
    return numbers.judge_collision(answer)
