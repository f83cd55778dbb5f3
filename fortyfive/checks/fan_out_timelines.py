"""How the coding tasks of exercise 05 are judged: timelines beside what pull shows, and work beside its budget."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fortyfive.grading.exercise import Answer, RunError
from fortyfive.grading.report import Failure
from fortyfive.grading.wire import Opaque
from fortyfive.scenario.fan_out import ACCOUNTS, SMALL_CAST, Step, Truth, author_of, random_story, tell
from fortyfive.sim.fan_out import HYBRID, PULL, PUSH, first_wrong_read

WORLD = "fortyfive.sim.fan_out"


@dataclass(frozen=True)
class Suite:
    """Seeded stories of some kinds of steps, and which functions of the learner they call; `written` come first."""

    names: Mapping[str, str]
    kinds: tuple[str, ...]
    count: int
    length: int = 30
    written: tuple[tuple[Step, ...], ...] = ()

    @functools.cached_property
    def stories(self) -> list[list[Step]]:
        """The stories: in turns with everybody, and with a few who meet again and again."""
        casts = (SMALL_CAST, ACCOUNTS)
        drawn = [random_story(seed, self.kinds, self.length, casts[seed % 2]) for seed in range(self.count)]
        return [*map(list, self.written), *drawn]


def _turns(*turns: str) -> tuple[tuple[Step, ...], ...]:
    """Return a story for each text of turns; everybody's view is ben's, of what ana does."""
    steps: dict[str, Step] = {
        "follow": ("follow", "ben", "ana"),
        "unfollow": ("unfollow", "ben", "ana"),
        "post": ("publish", "ana", 1),
        "more": ("publish", "ana", 2),
        "delete": ("delete", "ana", 1),
        "up": ("cross", "ana", "up"),
        "down": ("cross", "ana", "down"),
        "read": ("read", "ben", 10),
    }
    return tuple(tuple(steps[turn] for turn in text.split()) for text in turns)


CHANGES = ("publish", "follow", "unfollow", "delete")
PULLED = Suite(PULL, CHANGES, 12)
PUSHED = Suite(PUSH, CHANGES, 30)
POSTED = Suite(HYBRID, ("publish",), 16)
FOLLOWED = Suite(HYBRID, ("publish", "follow", "unfollow"), 24)
DELETED = Suite(HYBRID, CHANGES, 30)
CROSSED = Suite(
    HYBRID,
    (*CHANGES, "follow", "unfollow", "cross", "cross", "cross"),
    count=40,
    length=45,
    # Chance finds these too, but seldom: each is the shortest in which some plausible design goes wrong.
    written=_turns(
        "follow post up read",
        "follow post up more read down read",
        "follow up post down read",
        "follow post up delete read down read",
        "follow post up unfollow read down read",
        "follow post up down up down read",
        "up post follow down read",
        "follow post up unfollow down follow read",
        "follow post up unfollow delete follow down read",
        "follow post up unfollow delete down follow read",
        "follow post unfollow up follow read down read",
        "follow post unfollow up delete down follow read",
        "follow up post delete down read",
        "follow post up delete down more unfollow read follow read",
    ),
)

# A budget is judged on the run that has just been judged for its timelines: the same text, the same stories.
_last: dict[int, tuple[str, list[dict[str, Any]]]] = {}


def played(answer: Answer, suite: Suite) -> list[dict[str, Any]]:
    """Return what each story of the suite gave; each suite remembers its last run."""
    source, found = _last.get(id(suite), ("", []))
    if not found or source != answer.submission.source:
        found = answer.drive(f"{WORLD}:drive", suite.stories, suite.names)
        _last[id(suite)] = answer.submission.source, found
    return found


def same_as_pull(answer: Answer, suite: Suite) -> None:
    """Raise Failure with the smallest story found in which a read differs from what pull shows."""
    for story, result in zip(suite.stories, played(answer, suite), strict=True):
        end = first_wrong_read(story, result["reads"])
        if end is not None:
            raise _smallest_failure(answer, suite, story[: end + 1])


def _smallest_failure(answer: Answer, suite: Suite, story: list[Step]) -> Failure:
    try:
        shorter = answer.drive(f"{WORLD}:smallest", story, suite.names)
    except RunError:  # it took too long, or the learner's code has changed what shrinking stands on
        shorter = story
    for candidate in (shorter, story):
        found = answer.drive(f"{WORLD}:replay", candidate, suite.names)
        if first_wrong_read(candidate, found["apart"]["reads"]) == len(candidate) - 1:
            break
    if first_wrong_read(candidate, found["together"]["reads"]) is None:
        return Failure(
            "Your functions give the right timelines only while one process runs all of them: they keep something "
            "in a variable outside the functions.",
            help="Each call may run on another machine, after a restart. Only the store remembers: "
            "what must last belongs in an inbox.",
        )
    return _wrong_read(candidate, suite.names, found["apart"])


def _wrong_read(story: Sequence[Step], names: Mapping[str, str], result: Mapping[str, Any]) -> Failure:
    """Return the feedback for a story whose last read is wrong."""
    truth = Truth()
    for step in story:
        truth.apply(step)
    _, reader, limit = story[-1]
    shown, expected = result["reads"][-1], truth.timeline(reader, limit)
    finding, advice, got = _no_timeline(shown, names["read"])
    if not finding:
        ids = [post_id for _, post_id in shown]
        finding, got = _finding(story, truth, expected, ids, names), _posts(ids)
        advice = _advice(story, expected, ids, names)
    note, advice = _about_copies(story, names, result["changed"], advice)
    return Failure(
        f"{finding}\nThe smallest story found that shows it:\n{told(story, names)}\n"
        f"expected: {_posts(expected)}\ngot: {got}{note}",
        help=advice,
    )


def _about_copies(
    story: Sequence[Step], names: Mapping[str, str], changed: Sequence[Sequence[str]], advice: str
) -> tuple[str, str]:
    """Return a note on the first list of the store's that the learner's code changed in vain, and advice to match."""
    for step, methods in zip(story, changed, strict=True):
        if methods:
            note = (
                f"\n`{names[step[0]]}` changes the list that `store.{methods[0]}` returned. "
                "That list is a copy: in the store nothing has changed."
            )
            return note, "Only `store.add` and `store.remove` change a stored timeline; who follows whom is not yours."
    return "", advice


def told(story: Sequence[Step], names: Mapping[str, str] = HYBRID) -> str:
    """Return a story as numbered lines."""
    truth = Truth()
    lines = []
    for number, step in enumerate(story, start=1):
        truth.apply(step)
        lines.append(f"  {number}. {tell(step)}{_kind(step, truth, names)}")
    return "\n".join(lines)


def _kind(step: Step, truth: Truth, names: Mapping[str, str]) -> str:
    # Push and pull treat all alike, and a crossing says it itself.
    if names is not HYBRID or step[0] in ("read", "cross"):
        return ""
    return " (a celebrity)" if author_of(step) in truth.celebrities else " (an ordinary account)"


def _no_timeline(shown: Any, name: str) -> tuple[str, str, str]:
    """Return finding, advice and what was got for a value that is no list of posts, and empty texts for one that is."""
    if not isinstance(shown, list):
        advice = "Return a list, with `return` and not with `yield`." if isinstance(shown, Opaque) else "Return a list."
        return f"`{name}` returned {shown!r}, and a timeline is a list of posts.", advice, repr(shown)
    for item in shown:
        if not (isinstance(item, tuple) and len(item) == 2 and item[0] == "post"):
            advice = "Return the posts themselves, as the store gives them, and not their ids."
            return (
                f"`{name}` returned a list that holds {item!r}, and a timeline holds posts only.",
                advice,
                repr(shown),
            )
    return "", "", ""


def _posts(ids: Sequence[int]) -> str:
    return ", ".join(f"post {post_id}" for post_id in ids) or "nothing"


def _finding(
    story: Sequence[Step], truth: Truth, expected: Sequence[int], shown: Sequence[int], names: Mapping[str, str]
) -> str:
    """Say in one sentence what is wrong with the story's last read."""
    _, reader, limit = story[-1]
    authors = {post_id: author for kind, author, post_id in story if kind == "publish"}
    for post_id in shown:
        if post_id not in authors:
            return f"{reader} sees a post {post_id}, which nobody has published."
        if post_id not in truth.posts:
            return f"{reader} still sees post {post_id}, which {authors[post_id]} has deleted."
        if (reader, authors[post_id]) not in truth.follows:
            return f"{reader} sees post {post_id} by {authors[post_id]}, whom {reader} does not follow."
    if len(shown) > len(set(shown)):
        return f"{reader} sees the same post more than once."
    if len(shown) > limit:
        return f"{reader} asked for the newest {limit} and got {len(shown)} posts."
    if missing := [post_id for post_id in expected if post_id not in shown]:
        author = authors[missing[0]]
        return f"{reader} does not see post {missing[0]} by {author}{_kind(('publish', author, 0), truth, names)}."
    return f"{reader} sees the right posts in the wrong order: a timeline has the newest first."


def _advice(story: Sequence[Step], expected: Sequence[int], shown: Sequence[int], names: Mapping[str, str]) -> str:
    kinds = {step[0] for step in story}
    missing = set(expected) - set(shown)
    read = f"`{names['read']}`"
    if names is PULL:
        return "Gather the outbox of everybody the reader follows, sort with the newest first, then cut to `limit`."
    if "cross" in kinds:
        return _crossing_advice(story, missing)
    if "delete" in kinds:
        return f"Look at what `{names['delete']}` does to copies of the post."
    if "unfollow" in kinds:
        if missing:
            return f"Look at what `{names['unfollow']}` removes: posts by authors still followed must stay."
        return f"Look at what `{names['unfollow']}` leaves in the reader's inbox."
    if "follow" in kinds:
        if missing:
            return (
                f"Look at what `{names['follow']}` puts into the reader's inbox: posts older than the follow count too."
            )
        return "Celebrities are looked up at each read: `follow` need not copy their posts as well."
    if missing:
        return f"Follow the missing post: was it added to this reader's inbox, or looked up by {read}, before the cut?"
    return "Merge first, then sort with the newest first, then cut to `limit`, and show each post once."


def _crossing_advice(story: Sequence[Step], missing: set[int]) -> str:
    last = [step for step in story if step[0] == "cross"][-1]
    if last[2] == "down":
        if missing:
            return (
                "Whoever becomes ordinary is no longer looked up: what must `crossed` put into the followers' inboxes?"
            )
        return (
            "While somebody is a celebrity, deletes and unfollows do not reach the inboxes. Which copies from before "
            "are still there when the account becomes ordinary again?"
        )
    if missing:
        return "A celebrity is looked up at each read: does `read` ask `store.is_celebrity` at that moment?"
    return (
        "Copies from before the crossing are still in the inboxes, while `read` looks the celebrity up too. "
        "Take them out in `crossed`, or leave them out in `read`."
    )


def within_pull_budget(answer: Answer) -> None:
    """Raise Failure unless pull writes nothing, and looks up each followed author's outbox once and nothing else."""
    for story, result in zip(PULLED.stories, played(answer, PULLED), strict=True):
        truth = Truth()
        for position, step in enumerate(story):
            truth.apply(step)
            if step[0] != "read":
                continue
            reader = step[1]
            if result["writes"][position]:
                raise Failure(
                    f"When {reader} read, `pull_read` wrote to stored timelines {_times(result['writes'][position])}.",
                    help="Pull keeps no copies: there is nothing to add and nothing to remove.",
                )
            if result["inboxes"][position]:
                raise Failure(
                    f"When {reader} read, `pull_read` looked up an inbox, and pull has no stored timelines.",
                    help="Everything a reader may see is in the outboxes of those they follow.",
                )
            outboxes = result["outboxes"][position]
            _no_lookup_twice(reader, "pull_read", outboxes)
            if strangers := [author for author in outboxes if (reader, author) not in truth.follows]:
                raise Failure(
                    f"When {reader} read, `pull_read` looked up the outbox of {strangers[0]}, whom {reader} does not "
                    "follow.",
                    help="Ask `store.following(reader)` first, and look up those only.",
                )


def within_push_budget(answer: Answer) -> None:
    """Raise Failure unless a read under push is one lookup: of the reader's own inbox."""
    for story, result in zip(PUSHED.stories, played(answer, PUSHED), strict=True):
        for position, (kind, reader, _) in enumerate(story):
            outboxes, inboxes = result["outboxes"][position], result["inboxes"][position]
            if kind != "read":
                continue
            if outboxes:
                raise Failure(
                    f"When {reader} read, `push_read` looked up the outbox of {outboxes[0]}; under push a read looks "
                    "up no outbox.",
                    help="Whatever a reader may see was copied into their inbox before they read.",
                )
            if len(inboxes) > 1:
                raise Failure(
                    f"When {reader} read, `push_read` looked up {len(inboxes)} inboxes, and one is enough.",
                    help="Keep what the first lookup returned.",
                )


def within_hybrid_budget(answer: Answer, suite: Suite) -> None:
    """Raise Failure where a celebrity causes a write outside `crossed`, a crossing too many, or a read a lookup."""
    for story, result in zip(suite.stories, played(answer, suite), strict=True):
        truth = Truth()
        for position, step in enumerate(story):
            truth.apply(step)
            writes, outboxes = result["writes"][position], result["outboxes"][position]
            match step[0]:
                case "read":
                    _read_budget(step[1], outboxes, truth)
                case "cross":
                    _crossing_budget(story, position, writes, result["budget"][position])
                case _ if writes and author_of(step) in truth.celebrities:
                    raise Failure(
                        f"When {tell(step)}{_kind(step, truth, HYBRID)}, your code wrote to inboxes {_times(writes)}; "
                        "it may not write to any.",
                        help="Whatever is written for each follower is written 50 million times for 50 million "
                        "followers. Leave celebrities to `read`.",
                    )


def _read_budget(reader: str, outboxes: Sequence[str], truth: Truth) -> None:
    if pulled := [author for author in outboxes if author not in truth.celebrities]:
        raise Failure(
            f"When {reader} read, your code looked up the outbox of {pulled[0]}, an ordinary account; "
            "only celebrities may be pulled.",
            help="Ordinary posts are in the inbox already. A reader may follow thousands of ordinary accounts.",
        )
    _no_lookup_twice(reader, "your code", outboxes)


def _no_lookup_twice(reader: str, code: str, outboxes: Sequence[str]) -> None:
    if len(outboxes) > len(set(outboxes)):
        subject = code if code == "your code" else f"`{code}`"
        raise Failure(
            f"When {reader} read, {subject} looked up the same outbox more than once: {', '.join(outboxes)}.",
            help="Each lookup is a request to another machine. Keep what the first one returned.",
        )


def _crossing_budget(story: Sequence[Step], position: int, writes: int, budget: int) -> None:
    if writes > budget:
        raise Failure(
            f"When {tell(story[position])}, `crossed` wrote to inboxes {_times(writes)}; "
            f"{_times(budget) if budget else 'no write'} was enough.\n{told(story[: position + 1])}",
            help="One write for each follower and post of the author, and one for each copy that has to go. "
            "Compare what an inbox holds with what it should hold, and write the difference.",
        )


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
