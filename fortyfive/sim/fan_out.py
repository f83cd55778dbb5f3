"""The store of a small social network, and the driver that runs a learner's fan-out code against it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from fortyfive.grading.child import Load, call
from fortyfive.grading.report import Failure
from fortyfive.scenario.fan_out import ACCOUNTS, Step, Truth, sensible
from fortyfive.sim.shrink import shrink

# Which of the learner's functions a step calls; a step that is not named here calls none.
HYBRID = {
    **{kind: kind for kind in ("publish", "read", "follow", "unfollow", "delete")},
    "cross": "crossed",
}
PUSH = {kind: f"push_{kind}" for kind in ("publish", "read", "follow", "unfollow", "delete")}
PULL = {"read": "pull_read"}


@dataclass(frozen=True, order=True)
class _Fields:
    id: int
    author: str


class Post(_Fields):
    """A post. A larger id is a newer post."""

    def __setattr__(self, name: str, _: object) -> NoReturn:
        """Refuse: a post stays as it was published."""
        raise Failure(
            f"Your code set `post.{name}`, and a post does not change once it is published.",
            help="A post is shared by everybody who has a copy. Keep what you want to note in variables of your own.",
        )


@dataclass
class Meter:
    """What one step of a story cost: the lists that were looked up, and the number of writes."""

    outboxes: list[str] = field(default_factory=list)
    inboxes: list[str] = field(default_factory=list)
    writes: int = 0


class Store:
    """What the learner's code reads and writes. Lists come newest first, and are copies."""

    def __init__(self) -> None:
        self._truth = Truth()
        self._inboxes: dict[str, set[Post]] = {account: set() for account in ACCOUNTS}
        self._running = "your code"
        self._meter = Meter()
        # Every list handed out in this step, beside what it was: a learner may change it and think the store changed.
        self._given: list[tuple[str, list[Any], list[Any]]] = []

    def followers(self, author: str) -> list[str]:
        """Return who follows the author now, sorted."""
        self._check_account("followers", author)
        return self._give("followers", sorted(reader for reader, other in self._truth.follows if other == author))

    def following(self, reader: str) -> list[str]:
        """Return whom the reader follows now, sorted."""
        self._check_account("following", reader)
        return self._give("following", sorted(author for other, author in self._truth.follows if other == reader))

    def is_celebrity(self, author: str) -> bool:
        """Say whether the author has more followers than the threshold."""
        self._check_account("is_celebrity", author)
        return author in self._truth.celebrities

    def outbox(self, author: str) -> list[Post]:
        """Return the author's own posts that are not deleted. Costs one lookup."""
        self._check_account("outbox", author)
        self._meter.outboxes.append(author)
        posts = self._truth.posts
        return self._give("outbox", [Post(one, author) for one in sorted(posts, reverse=True) if posts[one] == author])

    def inbox(self, reader: str) -> list[Post]:
        """Return what was added to the reader's stored timeline. Costs one lookup."""
        self._check_account("inbox", reader)
        self._meter.inboxes.append(reader)
        return self._give("inbox", sorted(self._inboxes[reader], reverse=True))

    def add(self, reader: str, post: Post) -> None:
        """Put a post into the reader's stored timeline; once is as good as twice. Costs one write."""
        self._check_account("add", reader)
        self._check_post("add", post)
        if (reader, post.author) not in self._truth.follows:
            raise Failure(
                f"{self._running} put post {post.id} by {post.author} into the stored timeline of {reader}, who does "
                f"not follow {post.author}: that is the wrong timeline.",
                help="`store.followers(author)` are those who follow the author; `store.following(reader)` are those "
                "whom the reader follows. Whose timeline is the post for?",
            )
        self._meter.writes += 1
        self._inboxes[reader].add(post)

    def remove(self, reader: str, post: Post) -> None:
        """Take a post out of the reader's stored timeline, if it is there. Costs one write."""
        self._check_account("remove", reader)
        self._check_post("remove", post)
        self._meter.writes += 1
        self._inboxes[reader].discard(post)

    def _give(self, method: str, found: list[Any]) -> list[Any]:
        self._given.append((method, found, list(found)))
        return found

    def _changed_copies(self) -> list[str]:
        """Return the methods whose lists the learner's code has changed in this step, where it had no need to."""
        # What `read` gathered is its own, and may be built up in place.
        own = ("inbox", "outbox") if self._running.endswith("read`") else ()
        return sorted({method for method, found, was in self._given if method not in own and found != was})

    def _copies_of(self, author: str) -> list[tuple[str, int]]:
        return [(reader, post.id) for reader, posts in self._inboxes.items() for post in posts if post.author == author]

    def _check_account(self, method: str, account: object) -> None:
        if not isinstance(account, str) or account not in ACCOUNTS:
            raise Failure(
                f"Your code called `store.{method}` with {account!r} where the name of an account belongs.",
                help="Accounts are texts, such as 'ana'. A post has its account in `post.author`.",
            )

    def _check_post(self, method: str, post: object) -> None:
        if not isinstance(post, Post):
            raise Failure(
                f"Your code called `store.{method}` with {post!r} where a post belongs.",
                help="Pass the post itself (it has `.id` and `.author`), not its id and not a list.",
            )


def drive(load: Load, stories: Sequence[Sequence[Step]], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Play each story in a store of its own (driver); return for each what its reads showed and what the work was.

    `names` says which of the learner's functions a kind of step calls. Each step runs in a new run of the learner's
    text, as if on another machine: only the store remembers.

    `reads`: for each read step what the learner's code returned, posts as `("post", id)`. For each step: `outboxes` and
    `inboxes` that were looked up, `writes` (their number), `budget` (of a crossing: how many writes it may cost), and
    `changed` (the store's methods whose lists the learner's code changed).
    """
    return [_play(load, story, names) for story in stories]


def replay(load: Load, story: Sequence[Step], names: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """Play one story with its steps `apart`, as `drive` does, and then `together`, in one run of the text (driver)."""
    return {"apart": _play(load, story, names), "together": _play(load, story, names, load())}


def smallest(load: Load, story: Sequence[Step], names: Mapping[str, str]) -> list[Step]:
    """Return the smallest story found inside a failing one that ends in a wrong read (driver)."""

    def first_failing(candidates: list[list[Step]]) -> list[Step] | None:
        for candidate in map(sensible, candidates):
            end = first_wrong_read(candidate, _play(load, candidate, names)["reads"])
            if end is not None:
                return candidate[: end + 1]
        return None

    return shrink(list(story), first_failing)


def first_wrong_read(story: Sequence[Step], reads: Sequence[Any]) -> int | None:
    """Return the position of the first read step that did not show what pull shows, if there is one."""
    truth = Truth()
    shown = iter(reads)
    for position, step in enumerate(story):
        truth.apply(step)
        if step[0] == "read" and next(shown) != [("post", post_id) for post_id in truth.timeline(step[1], step[2])]:
            return position
    return None


def _play(
    load: Load, story: Sequence[Step], names: Mapping[str, str], shared: dict[str, Any] | None = None
) -> dict[str, Any]:
    store = Store()
    found: dict[str, list[Any]] = {key: [] for key in ("reads", "outboxes", "inboxes", "writes", "budget", "changed")}
    for step in story:
        kind, who, what = step
        store._truth.apply(step)
        store._meter, store._given = Meter(), []
        budget = len({*store._copies_of(who), *_wanted(store._truth, who)}) if kind == "cross" else 0
        # What stands from the start calls no code, and a run of the text can be slow.
        if kind in names:
            function = _function(load() if shared is None else shared, names[kind])
            store._running = f"`{names[kind]}`"
            match kind:
                case "publish" | "delete":
                    call(function, Post(what, who), store)
                case "cross":
                    call(function, who, store)
                case "read":
                    found["reads"].append(_shown(call(function, who, what, store)))
                case _:
                    call(function, who, what, store)
        found["outboxes"].append(store._meter.outboxes)
        found["inboxes"].append(store._meter.inboxes)
        found["writes"].append(store._meter.writes)
        found["budget"].append(budget)
        found["changed"].append(store._changed_copies())
    return found


def _wanted(truth: Truth, author: str) -> list[tuple[str, int]]:
    """Return each pair of a follower and a post of the author: the copies that push would keep."""
    readers = [reader for reader, other in truth.follows if other == author]
    return [(reader, post_id) for reader in readers for post_id, by in truth.posts.items() if by == author]


def _function(namespace: dict[str, Any], name: str) -> Callable[..., Any]:
    function = namespace.get(name)
    if not callable(function):
        raise Failure(
            f"`{name}` is {function!r}, and the grader needs a function of that name.",
            help=f"Was `{name}` given another value in a later cell? Run the cell with `def {name}(...)` again.",
        )
    return function  # type: ignore[no-any-return]


def _shown(value: Any) -> Any:
    """Return each post of a list as `("post", id)`, and leave whatever else there is as it is."""
    if type(value) is not list:
        return value
    return [("post", item.id) if isinstance(item, Post) else item for item in value]
