"""Exercise 05: deliver by push, by pull and by a hybrid, choose a threshold, defend it, and find others' flaws."""

from __future__ import annotations

from typing import Any

from fortyfive.checks import fan_out_review as review
from fortyfive.checks.fan_out_timelines import (
    CROSSED,
    DELETED,
    FOLLOWED,
    POSTED,
    PULLED,
    PUSHED,
    same_as_pull,
    within_hybrid_budget,
    within_pull_budget,
    within_push_budget,
)
from fortyfive.grading import wire
from fortyfive.grading.exercise import Answer, Exercise
from fortyfive.grading.report import Failure
from fortyfive.grading.source import literal_of, part_for
from fortyfive.grading.wire import Opaque

exercise = Exercise("05_fan_out", title="Fan-out")
check = exercise.check

# What the notebook poses; it states the same numbers in words.
CELEBRITY_FOLLOWERS = 50_000_000
TARGET_S = 60
SLOWEST_DELIVERY_S = 10
P99_LOOKUPS = 8


@check(
    points=2,
    needs=["deliveries_per_s"],
    hints=[
        "One post becomes one delivery for each follower. How many deliveries must be done, and within what time?",
        "A rate is a count over a time: 50 million deliveries in 60 seconds.",
        "50,000,000 / 60 s. Write the result with its unit, for example '12 K deliveries/s'.",
    ],
    takeaway="50 M followers within a minute is about 833,000 deliveries/s. Twitter reported 31 M in 5 minutes in "
    "2013: about 103,000/s. A celebrity's post is a rate, and the rate follows from the promise.",
)
def celebrity_rate(answer: Answer) -> None:
    """A celebrity's post needs this many deliveries a second"""
    _compare(answer.value("deliveries_per_s"), f"{CELEBRITY_FOLLOWERS / TARGET_S} deliveries/s", "deliveries_per_s")


@check(
    points=2,
    needs=["time_on_one_key"],
    hints=[
        "All copies stay in one partition. What may one partition do in a second?",
        "The task says it: 1,000 write units a second, and each of these writes is one unit.",
        "50,000,000 writes / 1,000 writes/s. Write it as a time, in seconds or in hours.",
    ],
    takeaway="50,000 s, almost 14 hours: a table scales by having many partitions, and one partition does not scale. "
    "'Because it scales' ends there.",
)
def one_key_time(answer: Answer) -> None:
    """Writing a celebrity's post to a single partition takes this long"""
    _compare(answer.value("time_on_one_key"), f"{CELEBRITY_FOLLOWERS / 1_000} s", "time_on_one_key")


def _compare(given: Any, expected: str, name: str) -> None:
    from fortyfive import units

    if isinstance(given, Opaque):
        raise Failure(f"`{name}` is {given!r}, and it should be a number with its unit, as a text such as '12 K/s'.")
    try:
        answer = units.parse(given)
    except units.UnitError as error:
        raise Failure(f"`{name}` is {given!r}. {error}") from None
    result = units.compare(answer, units.parse(expected), rel_tol=0.05)
    if not result.ok:
        advice = "" if result.slip == "dimension" else "Write the division down with its units, and cancel them."
        raise Failure(f"`{name}` is {given!r}. {result.sentence}", help=advice)


@check(
    points=1,
    needs=["pull_read"],
    hints=[
        "With pull nothing is stored for a reader. Where are the posts when the reader asks?",
        "Ask `store.following(reader)`, and gather `store.outbox(author)` of each.",
        "Gather all outboxes in one list, sort it with `key=lambda post: post.id, reverse=True`, and cut it to "
        "`limit`.",
    ],
    takeaway="Pull is always right: there is no copy that could be stale. It pays at each read, one lookup for each "
    "author followed, and that is why nobody stops here.",
)
def pull_is_right(answer: Answer) -> None:
    """Pull shows the newest posts of everybody followed, one lookup each"""
    same_as_pull(answer, PULLED)
    within_pull_budget(answer)


PUSH_NAMES = ["push_publish", "push_read", "push_follow", "push_unfollow", "push_delete"]


@check(
    points=2,
    needs=PUSH_NAMES,
    after=pull_is_right,
    hints=[
        "A stored timeline is a copy. Which four events change what it should hold?",
        "A post goes to all followers and a delete takes it from them; a follow brings an author's posts and an "
        "unfollow takes them away.",
        "`push_publish`: for each of `store.followers(post.author)` call `store.add(reader, post)`. `push_follow`: for "
        "each post of `store.outbox(author)` the same. The other two are these with `store.remove`.",
    ],
    takeaway="A copy must hear of every change: publish, delete, follow, unfollow. That is the hidden price of push, "
    "and each of them costs a write for each copy.",
)
def push_matches_pull(answer: Answer) -> None:
    """Under push every reader sees what pull would show"""
    same_as_pull(answer, PUSHED)


@check(
    points=1,
    needs=PUSH_NAMES,
    after=push_matches_pull,
    hints=[
        "What does push buy with all its writes?",
        "One lookup, of the reader's own inbox, holds the whole timeline.",
        "`return store.inbox(reader)[:limit]`, if the other four functions keep the inbox right.",
    ],
    takeaway="One lookup, however many accounts a reader follows: that is what the copies are for.",
)
def push_reads_one_list(answer: Answer) -> None:
    """Under push a read is one lookup"""
    within_push_budget(answer)


@check(
    points=2,
    needs=["publish", "read"],
    hints=[
        "Who has to do something when an ordinary account posts, and who when a celebrity's follower reads?",
        "`publish` adds the post to the inbox of every follower, unless the author is a celebrity. "
        "`read` merges the inbox with the outboxes of the celebrities that the reader follows.",
        "In `read`: start from `store.inbox(reader)`, add `store.outbox(author)` for each followed celebrity, "
        "sort all of it with the newest first, and only then cut it to `limit`.",
    ],
    takeaway="Right at every read: what was copied and what was looked up are merged before the cut, so the reader "
    "cannot tell them apart. What it costs is the budget's question.",
)
def timelines_match_pull(answer: Answer) -> None:
    """Every reader sees what pull would show"""
    same_as_pull(answer, POSTED)


@check(
    points=1,
    needs=["publish", "read", "follow", "unfollow"],
    after=timelines_match_pull,
    hints=[
        "A stored timeline was written before the follow. What does it lack, and what does it still hold after an "
        "unfollow?",
        "On a follow, the ordinary author's posts so far must get into the reader's inbox; on an unfollow, out of it.",
        "`for post in store.outbox(author): store.add(reader, post)`, and the same with `remove`. "
        "Celebrities need neither: they are looked up at each read.",
    ],
    takeaway="For an ordinary author the hybrid is push, for a celebrity it is pull: each event asks which of the two "
    "it concerns, and does what you have written already.",
)
def follows_match_pull(answer: Answer) -> None:
    """Follows and unfollows show at the next read"""
    same_as_pull(answer, FOLLOWED)


HYBRID_NAMES = ["publish", "read", "follow", "unfollow", "delete"]


@check(
    points=1,
    needs=HYBRID_NAMES,
    after=follows_match_pull,
    hints=[
        "A deleted post has left its author's outbox already. Where else does a copy of it lie?",
        "`delete` is the mirror of `publish`.",
        "`for reader in store.followers(post.author): store.remove(reader, post)`, unless the author is a celebrity.",
    ],
    takeaway="A delete fans out like a post. The common alternative is to filter at the read and to clean up later, "
    "where a read can tell cheaply what is gone.",
)
def deletes_match_pull(answer: Answer) -> None:
    """A deleted post is gone from every timeline"""
    same_as_pull(answer, DELETED)


@check(
    points=2,
    needs=HYBRID_NAMES,
    after=deletes_match_pull,
    hints=[
        "Right timelines at any price are easy. Which of the two kinds of work may an author of each kind cause?",
        "Nothing that concerns a celebrity may write to an inbox; `read` may not look up an ordinary author's outbox.",
        "Begin `publish`, `follow`, `unfollow` and `delete` with `if not store.is_celebrity(author):`, and look up an "
        "outbox in `read` only behind `if store.is_celebrity(author):`.",
    ],
    takeaway="Nothing a celebrity does costs an inbox write, and a read looks up one list for each celebrity followed.",
)
def work_stays_in_budget(answer: Answer) -> None:
    """Celebrities are not pushed, and ordinary accounts are not pulled"""
    within_hybrid_budget(answer, DELETED)


CROSSING_NAMES = [*HYBRID_NAMES, "crossed"]


@check(
    points=2,
    needs=CROSSING_NAMES,
    after=deletes_match_pull,
    hints=[
        "Copies that were right before the crossing lie in the inboxes after it. Who shows them, and who keeps them "
        "right?",
        "Way up: either take the copies out in `crossed`, or leave copies by current celebrities out in `read`. Way "
        "down: nothing was copied while the account was a celebrity, and no delete reached a copy that stayed.",
        "The simpler design keeps no copies of celebrities: in `crossed`, for each follower and each post of the "
        "outbox, `store.remove` on the way up and `store.add` on the way down.",
    ],
    takeaway="A crossing moves an author's posts between two homes. Either no copy stays behind, or what stays must be "
    "ignored, and brought in line on the way back: deletes and unfollows have gone past it meanwhile.",
)
def crossings_match_pull(answer: Answer) -> None:
    """Timelines stay right when an account crosses the threshold, up or down"""
    same_as_pull(answer, CROSSED)


@check(
    points=1,
    needs=CROSSING_NAMES,
    after=crossings_match_pull,
    hints=[
        "How many copies of this author's posts should there be after the crossing, and how many are there before?",
        "One write for each follower and post of the author is allowed, and one for each copy that must go.",
        "Do not clear and copy again: a post that is in the inbox, and belongs there, needs no write.",
    ],
    takeaway="A crossing costs followers times posts, once. An account that flaps around the threshold pays it each "
    "time: give the job two thresholds, one for the way up and a lower one for the way down.",
)
def crossings_stay_in_budget(answer: Answer) -> None:
    """A crossing writes each copy at most once"""
    within_hybrid_budget(answer, CROSSED)


@check(
    points=2,
    needs=["threshold"],
    hints=[
        "Two promises pull in two directions: the latency of the largest pushed account, and the lookups of a read.",
        "The largest account that you may push has as many followers as the workers can deliver within the target.",
        "Multiply delivery rate and target. Set the slider to the largest position up to that; are the lookups right?",
    ],
    takeaway="On this graph 3,618 to 5,055 followers keep both promises: delivery rate times latency target bounds the "
    "choice from above, and what a read may cost from below. Say which, and how much headroom you keep.",
)
def threshold_keeps_promises(answer: Answer) -> None:
    """The threshold keeps both promises"""
    from fortyfive.flow.fan_out import cost, exercise_workload, follower_graph

    given = answer.value("threshold")
    if isinstance(given, bool) or not isinstance(given, int | float) or given != given // 1:
        raise Failure(
            f"`threshold` is {given!r}, and a threshold is a whole number of followers.",
            help="Write it without a unit, for example `threshold = 700`.",
        )
    if not 0 <= given <= 10**9:
        raise Failure(
            f"`threshold` is {given:,}, and no account has that many followers.",
            help="0 pulls everything; the largest account of this graph has fewer than 100,000 followers.",
        )
    result = cost(follower_graph(), exercise_workload(), int(given))
    if result.slowest_delivery_s > SLOWEST_DELIVERY_S:
        raise Failure(
            f"With threshold {given:,} the largest pushed account's post reaches its last follower after "
            f"{result.slowest_delivery_s:.1f} s; the promise is {SLOWEST_DELIVERY_S} s.",
            help="Push fewer of the large accounts: lower the threshold. How many deliveries fit into the promise?",
        )
    if result.p99_lookups > P99_LOOKUPS:
        raise Failure(
            f"With threshold {given:,} one read in a hundred needs {result.p99_lookups} lookups or more; "
            f"the promise is at most {P99_LOOKUPS}.",
            help="Pull fewer accounts: raise the threshold until the read is cheap enough.",
        )


@check(
    points=2,
    needs=["threshold", "defence"],
    after=threshold_keeps_promises,
    hints=[
        "What would you say if the interviewer asked: why this number, and not twice as much?",
        "Four numbers: the threshold, the time of its slowest delivery, the lookups of the p99 read, and one number "
        "that gets worse at another threshold, which you name.",
        "'I push up to ... followers: the slowest delivery takes ... s and the p99 read needs ... lookups. At ... "
        "followers the slowest delivery would take ... s.' `cost(graph, workload, 10_000)` has the numbers.",
    ],
    takeaway="Choice, price, and what the next position costs: three sentences that an interviewer can check, and that "
    "nobody can answer with 'everybody uses ten thousand'.",
)
def defence_holds(answer: Answer) -> None:
    """The defence gives the model's numbers for the choice and for its trade-off"""
    from fortyfive.checks import fan_out_defence
    from fortyfive.flow.fan_out import cost, exercise_workload, follower_graph

    graph, workload = follower_graph(), exercise_workload()
    text, threshold = _plain(answer, "defence"), int(_plain(answer, "threshold"))
    fan_out_defence.judge(text, threshold, lambda value: cost(graph, workload, value))


@check(
    points=2,
    needs=["design_10x"],
    after=threshold_keeps_promises,
    hints=[
        "Ten times the posts are ten times the copies. How many does one worker write, and is enough on average "
        "enough?",
        "At your threshold the posts ask for about 1,800 copies/s. Workers who are busy all of the time have a queue "
        "that only grows: try one or two more than the division gives.",
        "Run `try_design` with 18, 19 and 20 workers at 5,000, then at 4,000. Which row keeps 10 s in all three "
        "recordings?",
    ],
    takeaway="The division said 18.2 workers. 18 keep no promise, 19 only with a lower line, 20 have 9 % of headroom "
    "and keep it at 5,000: close to full load the queue decides, and a large post delays everybody behind it.",
)
def design_survives_10x(answer: Answer) -> None:
    """At ten times the traffic the design keeps both promises, and its budget"""
    from fortyfive.checks import fan_out_ten_x

    fan_out_ten_x.judge(answer.value("design_10x"))


@check(
    points=1,
    needs=["flaw_1"],
    hints=[
        "Which number of the design was never put beside the promise?",
        "All workers together write 100,000 copies a second. What does the largest account ask of them?",
        "8,000,000 copies / (20 x 5,000 copies/s). Write it as a time.",
    ],
    takeaway="80 s against a promise of 5 s. A rate sounds large until the largest account divides by it: ask 'how "
    "long does that take?' of every 'per second'.",
)
def first_flaw(answer: Answer) -> None:
    """The largest account's post takes this long in the first design"""
    seconds = review.LARGEST_FOLLOWERS / (review.WORKERS * review.COPIES_PER_S)
    _compare(answer.value("flaw_1"), f"{seconds} s", "flaw_1")


@check(
    points=1,
    needs=["flaw_2"],
    hints=[
        "A read is in time only if all of its lookups are.",
        "One lookup is in time with probability 0.99. And two, three, fifty of them?",
        "1 - 0.99 ** 50, in per cent.",
    ],
    takeaway="Two reads in five are slow, where each lookup is slow once in a hundred: a read that waits for fifty "
    "lists has the tail of the slowest. That is what bounds the threshold from below.",
)
def second_flaw(answer: Answer) -> None:
    """So many of the reads are slow in the second design"""
    from fortyfive import units

    given = answer.value("flaw_2")
    try:
        share = units.parse(given)
    except units.UnitError:
        share = units.Quantity(-1, "")
    for value, sentence in review.SLIPS.items():
        if share.unit == "" and abs(share.value / value - 1) <= 0.01:
            raise Failure(f"`flaw_2` is {given!r}; {sentence}")
    _compare(given, f"{100 * review.SLOW_READS} %", "flaw_2")


@check(
    points=1,
    needs=["story_3"],
    hints=[
        "The code leaves copies behind in one place and hides them in another. When are they no longer hidden?",
        "After an unfollow the copies stay in the reader's inbox. What may the author do meanwhile that reaches "
        "followers only? And what if the reader comes back?",
        "follow, publish, unfollow, delete, follow again, read: six steps, with the same reader and the same author.",
    ],
    takeaway="A filter hides a stale copy only for as long as its condition holds. Six steps say it better than an "
    "argument: a counterexample ends a review.",
)
def third_flaw(answer: Answer) -> None:
    """The third design shows a wrong timeline in this story"""
    review.disproof(answer.value("story_3"))


def _plain(answer: Answer, name: str) -> Any:
    """Return a value as `answer.value` does; where it is a literal, no process is started beside others' names."""
    try:
        return wire.decode(wire.encode(literal_of(part_for(answer.submission.source, [name]), name)))
    except (ValueError, wire.TooLargeError):
        return answer.value(name)
