"""The store of a small social network, and the driver that runs a learner's fan-out code against it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fortyfive.grading.child import Load, call
from fortyfive.grading.report import Failure
from fortyfive.scenario.fan_out import ACCOUNTS, CELEBRITIES, Step, Truth


@dataclass(frozen=True, order=True)
class Post:
    """A post. A larger id is a newer post."""

    id: int
    author: str


class Store:
    """What the learner's code reads and writes. Lists come newest first, and are copies."""

    def __init__(self) -> None:
        self._truth = Truth()
        self._inboxes: dict[str, set[Post]] = {account: set() for account in ACCOUNTS}
        self._writes = 0
        self._outboxes_read: list[str] = []

    def followers(self, author: str) -> list[str]:
        """Return who follows the author now, sorted."""
        self._check_account("followers", author)
        return sorted(reader for reader, other in self._truth.follows if other == author)

    def following(self, reader: str) -> list[str]:
        """Return whom the reader follows now, sorted."""
        self._check_account("following", reader)
        return sorted(author for other, author in self._truth.follows if other == reader)

    def is_celebrity(self, author: str) -> bool:
        """Say whether the author has more followers than the threshold."""
        self._check_account("is_celebrity", author)
        return author in CELEBRITIES

    def outbox(self, author: str) -> list[Post]:
        """Return the author's own posts that are not deleted. Costs one lookup."""
        self._check_account("outbox", author)
        self._outboxes_read.append(author)
        ids = sorted(self._truth.posts, reverse=True)
        return [Post(post_id, author) for post_id in ids if self._truth.posts[post_id] == author]

    def inbox(self, reader: str) -> list[Post]:
        """Return what was added to the reader's stored timeline. Costs one lookup."""
        self._check_account("inbox", reader)
        return sorted(self._inboxes[reader], reverse=True)

    def add(self, reader: str, post: Post) -> None:
        """Put a post into the reader's stored timeline; once is as good as twice. Costs one write."""
        self._check_account("add", reader)
        self._check_post("add", post)
        self._writes += 1
        self._inboxes[reader].add(post)

    def remove(self, reader: str, post: Post) -> None:
        """Take a post out of the reader's stored timeline, if it is there. Costs one write."""
        self._check_account("remove", reader)
        self._check_post("remove", post)
        self._writes += 1
        self._inboxes[reader].discard(post)

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


def drive(load: Load, stories: Sequence[Sequence[Step]], one_process: bool = False) -> list[dict[str, Any]]:
    """Play each story in a store of its own (driver); return for each what its reads showed and what the work was.

    Each step runs in a new run of the learner's text, as if on another machine: only the store remembers. With
    `one_process` a whole story shares one run.

    `reads`: for each read step what the learner's `read` returned, posts as `("post", id)`. `outboxes`: for each read
    step whose outboxes it looked up. `writes`: for each step how many writes it cost.
    """
    return [_play(load, story, one_process) for story in stories]


def _play(load: Load, story: Sequence[Step], one_process: bool) -> dict[str, Any]:
    store = Store()
    shared = load() if one_process else {}
    reads: list[Any] = []
    writes: list[int] = []
    outboxes: list[list[str]] = []
    for step in story:
        kind, who, what = step
        # What stands from the start calls no code, and a run of the text can be slow.
        namespace = shared if one_process or kind == "edge" else load()
        store._truth.apply(step)
        writes_before, lookups_before = store._writes, len(store._outboxes_read)
        match kind:
            case "publish" | "delete":
                call(_function(namespace, kind), Post(what, who), store)
            case "follow" | "unfollow":
                call(_function(namespace, kind), who, what, store)
            case "read":
                reads.append(_shown(call(_function(namespace, kind), who, what, store)))
                outboxes.append(store._outboxes_read[lookups_before:])
        writes.append(store._writes - writes_before)
    return {"reads": reads, "outboxes": outboxes, "writes": writes}


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
