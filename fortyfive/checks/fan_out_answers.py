"""Right answers to exercise 05, and the misconceptions that its checks must catch, each by its own feedback."""

from __future__ import annotations

from fortyfive.checks.answers import Right, Wrong, solution

# Leaves copies behind on an unfollow, filters them at the read, and cleans up when the reader comes back.
FILTER_AT_READ = """
import heapq

def ordinary(store, author):
    return not store.is_celebrity(author)


def publish(post, store):
    if ordinary(store, post.author):
        _each(store.followers(post.author), lambda reader: store.add(reader, post))


def _each(items, act):
    for item in items:
        act(item)


def read(reader, limit, store):
    followed = store.following(reader)
    mine = [post for post in store.inbox(reader) if post.author in followed]
    lists = [mine] + [store.outbox(author)[:limit] for author in followed if not ordinary(store, author)]
    return list(heapq.merge(*lists, key=lambda post: -post.id))[:limit]


def follow(reader, author, store):
    if ordinary(store, author):
        stale = [post for post in store.inbox(reader) if post.author == author]
        _each(stale, lambda post: store.remove(reader, post))
        _each(store.outbox(author), lambda post: store.add(reader, post))


def unfollow(reader, author, store):
    pass


def delete(post, store):
    if ordinary(store, post.author):
        _each(store.followers(post.author), lambda reader: store.remove(reader, post))
"""

OTHER_VALUES = """
deliveries_per_s = "833333 writes per second"
time_on_one_key = "50000 seconds"
threshold = 4_000.0
"""

RIGHT = (
    Right("the course's own solution", solution("05_fan_out")),
    Right("filter at the read, merge with heapq, plain numbers", OTHER_VALUES + FILTER_AT_READ),
)

RATE, TIME, SHOWS = "celebrity_rate", "one_key_time", "timelines_match_pull"
FOLLOWS, DELETES, WORK, PROMISES = (
    "follows_match_pull",
    "deletes_match_pull",
    "work_stays_in_budget",
    "threshold_keeps_promises",
)

PUBLISH, READ, DELETE = "publish(post, store)", "read(reader, limit, store)", "delete(post, store)"
FOLLOW, UNFOLLOW = "follow(reader, author, store)", "unfollow(reader, author, store)"


def _def(head: str, *body: str) -> str:
    return "\n    ".join([f"\n\ndef {head}:", *body]) + "\n"


def _read(last: str) -> str:
    """Return a `read` that gathers the right posts and ends in the given line."""
    return _def(
        READ,
        "posts = store.inbox(reader)",
        "for author in store.following(reader):",
        "    if store.is_celebrity(author):",
        "        posts += store.outbox(author)",
        last,
    )


PUSH_ALL = _def(PUBLISH, "for reader in store.followers(post.author):", "    store.add(reader, post)")
COPY_ALL = (
    _def(FOLLOW, "for post in store.outbox(author):", "    store.add(reader, post)")
    + _def(UNFOLLOW, "for post in store.outbox(author):", "    store.remove(reader, post)")
    + _def(DELETE, "for reader in store.followers(post.author):", "    store.remove(reader, post)")
)
READ_INBOX = _def(READ, "return store.inbox(reader)[:limit]")
PULL_ALL = _def(PUBLISH, "pass") + _def(
    READ,
    "posts = [post for author in store.following(reader) for post in store.outbox(author)]",
    "return sorted(posts, reverse=True)[:limit]",
)


WRONG = (
    Wrong("the count, not the rate", RATE, 'deliveries_per_s = "50 M"', "a rate"),
    Wrong("not divided by the time", RATE, 'deliveries_per_s = "50 M/s"', "60"),
    Wrong("a power of ten lost", RATE, 'deliveries_per_s = "833/s"', "1,000 times too small"),
    Wrong("a calculation", RATE, 'deliveries_per_s = "50 M / 60 s"', "more than one number"),
    Wrong("a time", RATE, 'deliveries_per_s = "60 s"', "rate"),
    Wrong("no number", RATE, 'deliveries_per_s = "many"', "number"),
    Wrong("empty", RATE, 'deliveries_per_s = ""', "number"),
    Wrong("not text", RATE, "deliveries_per_s = print", "number with its unit"),
    Wrong("forgot the return", RATE, "deliveries_per_s = (lambda: None)()", "None"),
    Wrong("the table's whole rate", TIME, 'time_on_one_key = "60 s"', "too small"),
    Wrong("minutes for hours", TIME, 'time_on_one_key = "833 h"', "60 times too large"),
    Wrong("a rate", TIME, 'time_on_one_key = "1000/s"', "time"),
    Wrong("pushes celebrities and pulls them too", SHOWS, PUSH_ALL, "same post more than once"),
    Wrong("never pulls", SHOWS, READ_INBOX, "does not see post"),
    Wrong("oldest first", SHOWS, _read("return sorted(posts)[:limit]"), "wrong order"),
    Wrong("inbox first, then celebrities", SHOWS, _read("return posts[:limit]"), "wrong order"),
    Wrong("cuts nothing", SHOWS, _read("return sorted(posts, reverse=True)"), "asked for the newest"),
    Wrong("sorts by author", SHOWS, _read("return sorted(sorted(posts, reverse=True)[:limit], key=lambda p: p.author)"),
          "wrong order"),
    Wrong("returns ids", SHOWS, _read("return [post.id for post in posts][:limit]"), "holds posts only"),
    Wrong("forgets to return", SHOWS, _read("sorted(posts)"), "returned None"),
    Wrong("yields", SHOWS, _read("yield from sorted(posts, reverse=True)[:limit]"), "is a list of posts"),
    Wrong("copies to the wrong timeline", SHOWS,
          _def(PUBLISH, "for reader in store.following(post.author):", "    store.add(reader, post)"),
          "whom"),
    Wrong("adds the id", SHOWS,
          _def(PUBLISH, "for reader in store.followers(post.author):", "    store.add(reader, post.id)"),
          "where a post belongs"),
    Wrong("changes the post", SHOWS, _def(PUBLISH, "post.id = 7"), "FrozenInstanceError", "raised"),
    Wrong("takes other arguments", SHOWS, _def("publish(post)", "pass"), "TypeError", "raised"),
    Wrong("shadows a built-in", SHOWS, "sorted = None", "TypeError", "raised"),
    Wrong("is no function", SHOWS, "publish = 5", "needs a function"),
    Wrong("replaces the world's sort", SHOWS, _def(PUBLISH, "import builtins", "builtins.sorted = lambda *a, **k: []"),
          "does not see post"),
    Wrong("keeps the posts in a global variable", SHOWS,
          "seen = []" + _def(PUBLISH, "seen.append(post)") + _def(
              READ, "return [post for post in reversed(seen) if post.author in store.following(reader)][:limit]"),
          "outside the functions"),
    Wrong("returns a tuple", SHOWS, _read("return tuple(sorted(posts, reverse=True)[:limit])"), "is a list of posts"),
    Wrong("a follow copies celebrities too", FOLLOWS,
          _def(FOLLOW, "for post in store.outbox(author):", "    store.add(reader, post)"), "more than once"),
    Wrong("a follow brings nothing", FOLLOWS, _def(FOLLOW, "pass"), "does not see post"),
    Wrong("an unfollow leaves the copies", FOLLOWS, _def(UNFOLLOW, "pass"), "does not follow"),
    Wrong("an unfollow empties the inbox", FOLLOWS,
          _def(UNFOLLOW, "for post in store.inbox(reader):", "    store.remove(reader, post)"),
          "does not see post"),
    Wrong("a delete leaves the copies", DELETES, _def(DELETE, "pass"), "has deleted"),
    Wrong("a delete reaches the author only", DELETES, _def(DELETE, "store.remove(post.author, post)"), "has deleted"),
    Wrong("pulls everybody", WORK, PULL_ALL, "ordinary account"),
    Wrong("pushes everybody and hides it", WORK,
          PUSH_ALL + READ_INBOX + COPY_ALL, "publishes post"),
    Wrong("deletes a celebrity's post everywhere", WORK,
          _def(DELETE, "for reader in store.followers(post.author):", "    store.remove(reader, post)"),
          "deletes post"),
    Wrong("copies a celebrity's posts on a follow, and filters them out again", WORK, COPY_ALL + _read(
          "return sorted(set(posts), reverse=True)[:limit]"), "follows"),
    Wrong("looks the same outbox up twice", WORK, _read(
          "posts += [p for a in store.following(reader) if store.is_celebrity(a) for p in store.outbox(a)]\n"
          "    return sorted(set(posts), reverse=True)[:limit]"), "more than once"),
    Wrong("the rule of thumb", PROMISES, "threshold = 10_000", "the promise is 10 s"),
    Wrong("push everything", PROMISES, "threshold = 10**9", "the promise is 10 s"),
    Wrong("pull everything", PROMISES, "threshold = 0", "lookups"),
    Wrong("too careful", PROMISES, "threshold = 1_000", "lookups"),
    Wrong("negative", PROMISES, "threshold = -5", "no account"),
    Wrong("absurd", PROMISES, "threshold = 10**12", "no account"),
    Wrong("a text", PROMISES, "threshold = '5 K'", "whole number"),
    Wrong("yes", PROMISES, "threshold = True", "whole number"),
    Wrong("not a number", PROMISES, "threshold = float('nan')", "whole number"),
)  # fmt: skip
