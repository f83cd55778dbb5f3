"""Small worlds of accounts that follow, post, delete and read, as lists of steps.

A step is a tuple of plain values:

    ("edge", reader, author)         the reader follows the author from the start; no code of the learner runs
    ("follow", reader, author)       ("unfollow", reader, author)
    ("publish", author, post_id)     ("delete", author, post_id)
    ("read", reader, limit)

Post ids grow with time. An account is a celebrity, or not, for the whole story.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fortyfive.scenario.draws import Draws

Step = tuple[Any, ...]

CELEBRITIES = ("nova", "zara")
ORDINARY = ("ana", "ben", "cleo", "dev")
ACCOUNTS = ORDINARY + CELEBRITIES


def random_story(seed: int, kinds: Sequence[str], length: int = 30) -> list[Step]:
    """Return a story of about `length` steps that uses, beside edges and reads, the given kinds of steps.

    It ends with a read by everybody, so that nothing that went wrong stays unseen.
    """
    draws = Draws(seed)
    story: list[Step] = [
        ("edge", reader, author)
        for reader in ACCOUNTS
        for author in ACCOUNTS
        if reader != author and draws.chance(2, 5)
    ]
    for post_id in range(1, length + 1):
        kind = draws.choice([*kinds, "publish", "publish", "read"])
        account, other = draws.choice(ACCOUNTS), draws.choice(ACCOUNTS)
        match kind:
            case "publish":
                story.append(("publish", account, post_id))
            case "delete":
                # Most draws name no post that exists; `sensible` drops those.
                story += [("delete", author, post_id - 1 - draws.below(6)) for author in ACCOUNTS]
            case "follow" | "unfollow" if account != other:
                story.append((kind, account, other))
            case "read":
                story.append(("read", account, 3 + draws.below(5)))
    story += [("read", account, 10) for account in ACCOUNTS]
    return sensible(story)


def sensible(story: Iterable[Step]) -> list[Step]:
    """Return the story without steps that make no sense where they stand, such as deleting what was never posted."""
    kept = []
    world = Truth()
    for step in story:
        if world.allows(step):
            world.apply(step)
            kept.append(step)
    return kept


class Truth:
    """The world as it really is, kept the slow and obvious way: a timeline is computed when it is asked for."""

    def __init__(self) -> None:
        self.follows: set[tuple[str, str]] = set()
        self.posts: dict[int, str] = {}

    def allows(self, step: Step) -> bool:
        """Say whether the step makes sense now."""
        match step:
            case ("edge" | "follow", reader, author):
                return (reader, author) not in self.follows
            case ("unfollow", reader, author):
                return (reader, author) in self.follows
            case ("publish", _, post_id):
                return post_id not in self.posts
            case ("delete", author, post_id):
                return bool(self.posts.get(post_id) == author)
        return True

    def apply(self, step: Step) -> None:
        """Change the world by one step."""
        match step:
            case ("edge" | "follow", reader, author):
                self.follows.add((reader, author))
            case ("unfollow", reader, author):
                self.follows.discard((reader, author))
            case ("publish", author, post_id):
                self.posts[post_id] = author
            case ("delete", _, post_id):
                self.posts.pop(post_id, None)

    def timeline(self, reader: str, limit: int) -> list[int]:
        """Return what pull shows: the newest posts of everybody the reader follows right now, newest first."""
        newest = sorted(self.posts, reverse=True)
        return [post_id for post_id in newest if (reader, self.posts[post_id]) in self.follows][:limit]


def tell(step: Step) -> str:
    """Return a step as a sentence."""
    kind, who, what = step
    match kind:
        case "edge":
            return f"{who} follows {what} from the start"
        case "follow" | "unfollow":
            return f"{who} {kind}s {what}"
        case "publish":
            return f"{who} publishes post {what}"
        case "delete":
            return f"{who} deletes post {what}"
    return f"{who} reads the newest {what}"
