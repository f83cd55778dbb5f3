"""Small worlds of accounts that follow, post, delete and read, as lists of steps.

A step is a tuple of plain values:

    ("edge", reader, author)         the reader follows the author from the start; no code of the learner runs
    ("follow", reader, author)       ("unfollow", reader, author)
    ("publish", author, post_id)     ("delete", author, post_id)
    ("cross", author, "up")          ("cross", author, "down"): the author becomes a celebrity, or one no longer
    ("read", reader, limit)

Post ids grow with time. Unless a story says otherwise, the celebrities are `CELEBRITIES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fortyfive.scenario.draws import Draws

Step = tuple[Any, ...]

CELEBRITIES = ("nova", "zara")
ORDINARY = ("ana", "ben", "cleo", "dev")
ACCOUNTS = ORDINARY + CELEBRITIES
KINDS = ("edge", "follow", "unfollow", "publish", "delete", "cross", "read")

# A small cast makes the same few people meet again and again: that is where crossings go wrong.
SMALL_CAST = ("ana", "ben", "nova")


def random_story(seed: int, kinds: Sequence[str], length: int = 30, accounts: Sequence[str] = ACCOUNTS) -> list[Step]:
    """Return a story of about `length` steps that uses, beside edges and reads, the given kinds of steps.

    It ends with a read by everybody, so that nothing that went wrong stays unseen.
    """
    draws = Draws(seed)
    world = Truth()
    pairs = [(reader, author) for reader in accounts for author in accounts if reader != author]
    story: list[Step] = [("edge", reader, author) for reader, author in pairs if draws.chance(2, 5)]
    for step in story:
        world.apply(step)
    for post_id in range(1, length + 1):
        # Only what makes sense is drawn, so that rare turns of events meet within a short story.
        choices = _choices(draws.choice([*kinds, "publish", "publish", "read"]), world, pairs, post_id, draws)
        if choices:
            story.append(draws.choice(choices))
            world.apply(story[-1])
    return story + [("read", account, 10) for account in accounts]


def _choices(
    kind: str, world: Truth, pairs: Sequence[tuple[str, str]], post_id: int, draws: Draws
) -> list[tuple[str, str, Any]]:
    """Return the steps of a kind that make sense now."""
    accounts = sorted({reader for reader, _ in pairs})
    match kind:
        case "publish":
            return [(kind, account, post_id) for account in accounts]
        case "delete":
            return [(kind, author, old) for old, author in sorted(world.posts.items())]
        case "cross":
            return [(kind, account, "down" if account in world.celebrities else "up") for account in accounts]
        case "read":
            limit = 3 + draws.below(5)
            return [(kind, account, limit) for account in accounts]
    return [step for reader, author in pairs if world.allows(step := (kind, reader, author))]


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
        self.celebrities = set(CELEBRITIES)
        self.newest = 0

    def allows(self, step: Step) -> bool:
        """Say whether the step makes sense now."""
        return not self.objection(step)

    def objection(self, step: Step) -> str:
        """Return why the step makes no sense now, as a sentence, or "" where it does."""
        match step:
            case ("edge" | "follow" | "unfollow", reader, author) if reader == author:
                return f"{reader} cannot follow {reader}"
            case ("edge" | "follow", reader, author) if (reader, author) in self.follows:
                return f"{reader} follows {author} already"
            case ("unfollow", reader, author) if (reader, author) not in self.follows:
                return f"{reader} does not follow {author} at that moment"
            case ("publish", _, post_id) if post_id <= self.newest:
                return f"a new post needs a number above {self.newest}, because a larger number is a newer post"
            case ("delete", author, post_id) if self.posts.get(post_id) != author:
                return f"there is no post {post_id} by {author} at that moment"
            case ("cross", author, "up") if author in self.celebrities:
                return f"{author} is a celebrity already"
            case ("cross", author, "down") if author not in self.celebrities:
                return f"{author} is no celebrity at that moment"
        return ""

    def apply(self, step: Step) -> None:
        """Change the world by one step."""
        match step:
            case ("edge" | "follow", reader, author):
                self.follows.add((reader, author))
            case ("unfollow", reader, author):
                self.follows.discard((reader, author))
            case ("publish", author, post_id):
                self.posts[post_id] = author
                self.newest = post_id
            case ("delete", _, post_id):
                self.posts.pop(post_id, None)
            case ("cross", author, "up"):
                self.celebrities.add(author)
            case ("cross", author, "down"):
                self.celebrities.discard(author)

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
        case "cross":
            return f"{who} becomes {'a celebrity' if what == 'up' else 'an ordinary account'}"
    return f"{who} reads the newest {what}"


def author_of(step: Step) -> str:
    """Return the account whose posts a step is about; of a read, the reader."""
    kind, who, what = step
    return str(what if kind in ("edge", "follow", "unfollow") else who)


def read_story(value: Any, max_steps: int) -> tuple[list[Step], str]:
    """Return a hand-written story as steps, and what is wrong with it as a sentence, "" where nothing is."""
    if not isinstance(value, list | tuple) or not value:
        return [], "A story is a list of steps, and this is none."
    if len(value) > max_steps:
        return [], f"The story has {len(value):,} steps, and {max_steps} are plenty."
    story: list[Step] = []
    world = Truth()
    for number, item in enumerate(value, start=1):
        if wrong := _malformed(item):
            return story, f"Step {number}, {item!r}, is no step: {wrong}."
        step = tuple(item)
        if objection := world.objection(step):
            return story, f"Step {number}, {step!r}, makes no sense there: {objection}."
        world.apply(step)
        story.append(step)
    if not any(step[0] == "read" for step in story):
        return story, "Nobody reads in this story, so nobody can see a wrong timeline."
    return story, ""


def _malformed(item: Any) -> str:
    if not isinstance(item, list | tuple) or len(item) != 3:
        return 'it has three parts, such as ("publish", "ana", 1)'
    kind, who, what = item
    if not isinstance(kind, str) or kind not in KINDS:
        return f"its first part is one of {', '.join(KINDS)}"
    if not isinstance(who, str) or who not in ACCOUNTS:
        return f"its second part is one of {', '.join(ACCOUNTS)}"
    match kind:
        case "publish" | "delete" | "read":
            if type(what) is not int or not 1 <= what <= 1_000:
                return f"the third part of a {kind} is a whole number from 1 to 1,000"
        case "cross":
            if what not in ("up", "down"):
                return 'the third part of a cross is "up" or "down"'
        case _:
            if not isinstance(what, str) or what not in ACCOUNTS:
                return f"its third part is one of {', '.join(ACCOUNTS)}"
    return ""
