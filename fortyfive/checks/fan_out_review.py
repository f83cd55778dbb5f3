"""Three colleagues' designs, each with a flaw: what they claim in numbers, and the code of the third."""

from __future__ import annotations

from typing import Any

from fortyfive.grading.report import Failure
from fortyfive.scenario.fan_out import Step, read_story
from fortyfive.sim.fan_out import HYBRID, drive, first_wrong_read

# The first colleague pushes everybody.
WORKERS, COPIES_PER_S, LARGEST_FOLLOWERS = 20, 5_000, 8_000_000

# The second pulls a lot, and takes the tail of one lookup for the tail of a read.
PULLED_LISTS, SLOW_SHARE = 50, 0.01
SLOW_READS = 1 - (1 - SLOW_SHARE) ** PULLED_LISTS
SLIPS = {
    1 - SLOW_READS: "that is the share of reads in which every lookup is in time. Which reads are the others?",
    PULLED_LISTS * SLOW_SHARE: "that adds the lookups' shares up. Two slow lookups in one read make one slow read.",
    SLOW_SHARE: "that is your colleague's own claim. A read waits for all of its lookups.",
    1 - SLOW_SHARE: "that is how often a single lookup is in time.",
}

MAX_STEPS = 50

# The third's hybrid, as the notebook shows it: an unfollow leaves the copies where they are, and the read hides them.
CODE = """\
def publish(post, store):
    if not store.is_celebrity(post.author):
        for reader in store.followers(post.author):
            store.add(reader, post)


def read(reader, limit, store):
    followed = store.following(reader)
    posts = [post for post in store.inbox(reader) if post.author in followed]
    for author in followed:
        if store.is_celebrity(author):
            posts += store.outbox(author)
    return sorted(posts, key=lambda post: post.id, reverse=True)[:limit]


def follow(reader, author, store):
    if not store.is_celebrity(author):
        for post in store.outbox(author):
            store.add(reader, post)


def unfollow(reader, author, store):
    pass  # no write needed: read leaves out whom the reader does not follow


def delete(post, store):
    if not store.is_celebrity(post.author):
        for reader in store.followers(post.author):
            store.remove(reader, post)


def crossed(author, store):
    change = store.remove if store.is_celebrity(author) else store.add
    for reader in store.followers(author):
        for post in store.outbox(author):
            change(reader, post)
"""


def load() -> dict[str, Any]:
    """Run the third colleague's text and return its names."""
    namespace: dict[str, Any] = {}
    exec(CODE, namespace)  # noqa: S102 - a text of ours
    return namespace


def disproof(story: object) -> list[Step]:
    """Return a learner's story as steps. Raises Failure unless the colleague's code shows a wrong timeline in it."""
    steps, wrong = read_story(story, MAX_STEPS)
    if wrong:
        raise Failure(wrong, help='A step has three parts, such as ("follow", "ben", "ana") or ("read", "ben", 10).')
    (played,) = drive(load, [steps], HYBRID)
    if first_wrong_read(steps, played["reads"]) is None:
        from fortyfive.checks.fan_out_timelines import told

        count = len(played["reads"])
        raise Failure(
            f"In your story your colleague's code is right: {'the read shows' if count == 1 else 'all reads show'} "
            f"what pull would show.\n{told(steps)}",
            help="Which copies does this code leave behind, and what could happen to them before somebody sees them "
            "again?",
        )
    return steps
