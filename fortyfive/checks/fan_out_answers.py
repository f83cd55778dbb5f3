"""Right answers to exercise 05, and the misconceptions that its checks must catch, each by its own feedback."""

from __future__ import annotations

from fortyfive.checks.answers import Right, Wrong, solution

# Pull and push, written otherwise: merging sorted lists, and finding the copies in the inbox instead of the outbox.
OTHER_PULL_AND_PUSH = """
import heapq
from itertools import islice


def pull_read(reader, limit, store):
    lists = [store.outbox(author)[:limit] for author in store.following(reader)]
    return list(islice(heapq.merge(*lists, key=lambda post: -post.id), limit))


def push_publish(post, store):
    [store.add(reader, post) for reader in store.followers(post.author)]


def push_read(reader, limit, store):
    followed = store.following(reader)
    return [post for post in store.inbox(reader) if post.author in followed][:limit]


def push_follow(reader, author, store):
    for post in reversed(store.outbox(author)):
        store.add(reader, post)


def push_unfollow(reader, author, store):
    for post in store.inbox(reader):
        if post.author == author:
            store.remove(reader, post)


def push_delete(post, store):
    readers = store.followers(post.author)
    while readers:
        store.remove(readers.pop(), post)
"""

# Leaves copies behind on an unfollow and on the way up, filters them at the read, and brings them in line later.
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
    mine = [post for post in store.inbox(reader) if post.author in followed and ordinary(store, post.author)]
    lists = [mine] + [store.outbox(author)[:limit] for author in followed if not ordinary(store, author)]
    return list(heapq.merge(*lists, key=lambda post: -post.id))[:limit]


def follow(reader, author, store):
    if ordinary(store, author):
        _bring_in_line(reader, author, store)


def _bring_in_line(reader, author, store):
    posts = store.outbox(author)
    copies = [post for post in store.inbox(reader) if post.author == author]
    _each([post for post in copies if post not in posts], lambda post: store.remove(reader, post))
    _each([post for post in posts if post not in copies], lambda post: store.add(reader, post))


def unfollow(reader, author, store):
    pass


def delete(post, store):
    if ordinary(store, post.author):
        _each(store.followers(post.author), lambda reader: store.remove(reader, post))


def crossed(author, store):
    if ordinary(store, author):
        _each(store.followers(author), lambda reader: _bring_in_line(reader, author, store))
"""

OTHER_VALUES = """
deliveries_per_s = "833333 writes per second"
time_on_one_key = "50000 seconds"
threshold = 4_000.0
defence = '''Our line is at 4 K followers. No account above it is pushed, so the last follower of the largest pushed one
waits about 7.8 seconds, and 99 reads in 100 need at most 8 lookups.
I would not go lower: at 2,000 followers that read already needs 11 lookups.'''
design_10x = {"threshold": 3_700, "workers": 19}
flaw_1 = "1.33 min"
flaw_2 = 0.395
story_3 = (
    ["edge", "cleo", "dev"],
    ["publish", "dev", 7],
    ["read", "cleo", 5],
    ["unfollow", "cleo", "dev"],
    ["cross", "dev", "up"],
    ["follow", "cleo", "dev"],
    ["read", "cleo", 5],
)
"""

RIGHT = (
    Right("the course's own solution", solution("05_fan_out")),
    Right("filter at the read, merge with heapq, plain numbers", OTHER_VALUES + OTHER_PULL_AND_PUSH + FILTER_AT_READ),
)

RATE, TIME, PULL, PUSH, ONE_LIST = (
    "celebrity_rate",
    "one_key_time",
    "pull_is_right",
    "push_matches_pull",
    "push_reads_one_list",
)
SHOWS, FOLLOWS, DELETES, WORK = (
    "timelines_match_pull",
    "follows_match_pull",
    "deletes_match_pull",
    "work_stays_in_budget",
)
CROSSES, CROSS_WORK, PROMISES, DEFENCE = (
    "crossings_match_pull",
    "crossings_stay_in_budget",
    "threshold_keeps_promises",
    "defence_holds",
)
GROWTH, FLAW_1, FLAW_2, FLAW_3 = "design_survives_10x", "first_flaw", "second_flaw", "third_flaw"

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

ENDLESS = "while True:\n        pass"
FLOOD = "while True:\n        print('x' * 1000)"


def _pull(*body: str) -> str:
    return _def("pull_read(reader, limit, store)", *body)


def _push(event: str, *body: str) -> str:
    what = "post" if event in ("publish", "delete") else "reader, author"
    return _def(f"push_{event}({what}, store)", *body)


def _push_read(*body: str) -> str:
    return _def("push_read(reader, limit, store)", *body)


def _crossed(*body: str) -> str:
    return _def("crossed(author, store)", *body)


# The second design, for the misconceptions that it invites.
LAZY = FILTER_AT_READ[FILTER_AT_READ.index("def ordinary") :]
LAZY = f"import heapq\n\n\n{LAZY}"
UNFOLLOW_WHILE_ORDINARY = _def(
    UNFOLLOW,
    "for post in store.inbox(reader) if ordinary(store, author) else []:",
    "    if post.author == author:",
    "        store.remove(reader, post)",
)
LAZY_READ = "if post.author in followed and ordinary(store, post.author)"

DEFENDED = (
    "I push accounts of up to 5,000 followers: the slowest delivery then takes 9.6 s, just inside the promise. "
    "The p99 read needs 7 lookups. If I moved the line up to 10,000, the slowest delivery would take 18.9 s."
)


def _defence(*changes: str) -> str:
    """Return a good defence with each of `changes`, "old -> new", made to it."""
    text = DEFENDED
    for change in changes:
        old, new = change.split(" -> ")
        assert old in text, old
        text = text.replace(old, new)
    return f"defence = {text!r}"


def _design(workers: object, threshold: object) -> str:
    return f"design_10x = {{'workers': {workers!r}, 'threshold': {threshold!r}}}"


def _story(*steps: str) -> str:
    """Return a story of steps given as words, such as "follow ben ana"."""
    parts = [step.split() for step in steps]
    return f"story_3 = {[(kind, who, int(what) if what.isdecimal() else what) for kind, who, what in parts]}"


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
    Wrong("forgets to return", PULL, _pull("sorted(store.following(reader))"), "`pull_read` returned None"),
    Wrong("oldest first", PULL, _pull("posts = [p for a in store.following(reader) for p in store.outbox(a)]",
          "return sorted(posts)[:limit]"), "wrong order"),
    Wrong("cuts each list, and not the merged one", PULL, _pull(
          "posts = [p for a in store.following(reader) for p in store.outbox(a)[:limit]]",
          "return sorted(posts, reverse=True)"), "asked for the newest"),
    Wrong("pulls those who follow the reader", PULL, _pull(
          "posts = [p for a in store.followers(reader) for p in store.outbox(a)]",
          "return sorted(posts, reverse=True)[:limit]"), "does not see post"),
    Wrong("reads a stored timeline", PULL, _pull("return store.inbox(reader)[:limit]"), "does not see post"),
    Wrong("looks an inbox up too", PULL, _pull(
          "posts = store.inbox(reader) + [p for a in store.following(reader) for p in store.outbox(a)]",
          "return sorted(posts, reverse=True)[:limit]"), "pull has no stored timelines"),
    Wrong("keeps what it found", PULL, _pull(
          "posts = [p for a in store.following(reader) for p in store.outbox(a)]",
          "for post in posts:", "    store.add(reader, post)",
          "return sorted(posts, reverse=True)[:limit]"), "wrote to stored timelines"),
    Wrong("looks everything up twice", PULL, _pull(
          "posts = {p for a in store.following(reader) * 2 for p in store.outbox(a)}",
          "return sorted(posts, reverse=True)[:limit]"), "more than once"),
    Wrong("looks up strangers", PULL, _pull(
          "names = ('ana', 'ben', 'cleo', 'dev', 'nova', 'zara')",
          "posts = [p for a in names for p in store.outbox(a) if a in store.following(reader)]",
          "return sorted(posts, reverse=True)[:limit]"), "does not follow"),
    Wrong("empties whom the reader follows", PULL, _pull(
          "posts = []", "followed = store.following(reader)", "for author in store.following(reader):",
          "    posts += store.outbox(author)", "    followed.clear()",
          "return posts[:limit]"), "That list is a copy"),
    Wrong("an endless loop", PULL, _pull(ENDLESS), "still running", "timed_out"),
    Wrong("prints without end", PULL, _pull(FLOOD), "printed more than", "over_limit"),
    Wrong("returns far too much", PULL, _pull("return [0] * 30_000"), "too large", "over_limit"),
    Wrong("says the right words", PULL, _pull("return 'the newest posts of everybody followed, newest first'"),
          "a timeline is a list of posts"),
    Wrong("leaves the process", PULL, _pull("raise SystemExit"), "SystemExit", "raised"),
    Wrong("pushes to nobody", PUSH, _push("publish", "pass"), "does not see post"),
    Wrong("pushes to those whom the author follows", PUSH, _push(
          "publish", "for reader in store.following(post.author):", "    store.add(reader, post)"),
          "that is the wrong timeline"),
    Wrong("pushes to the author", PUSH, _push("publish", "store.add(post.author, post)"), "that is the wrong timeline"),
    Wrong("appends to the list it was given", PUSH, _push(
          "publish", "for reader in store.followers(post.author):", "    store.inbox(reader).append(post)"),
          "That list is a copy"),
    Wrong("takes a follower off the list", PUSH, _push(
          "delete", "store.followers(post.author).clear()"), "`push_delete` changes the list"),
    Wrong("marks the post", PUSH, _push("publish", "post.seen = True"), "a post does not change"),
    Wrong("a follow brings nothing", PUSH, _push("follow", "pass"), "does not see post"),
    Wrong("a follow brings the newest only", PUSH, _push(
          "follow", "for post in store.outbox(author)[:1]:", "    store.add(reader, post)"), "does not see post"),
    Wrong("an unfollow leaves the copies", PUSH, _push("unfollow", "pass"), "does not follow"),
    Wrong("an unfollow empties the inbox", PUSH, _push(
          "unfollow", "for post in store.inbox(reader):", "    store.remove(reader, post)"), "does not see post"),
    Wrong("a delete leaves the copies", PUSH, _push("delete", "pass"), "has deleted"),
    Wrong("a delete looks for the post in the outbox", PUSH, _push(
          "delete", "for p in store.outbox(post.author):", "    if p == post:",
          "        [store.remove(r, p) for r in store.followers(post.author)]"), "has deleted"),
    Wrong("keeps the inboxes in a variable", PUSH, "boxes = []" + _push("publish", "boxes.append(post)")
          + _push_read("return [p for p in reversed(boxes) if p.author in store.following(reader)][:limit]")
          + _push("delete", "boxes[:] = [each for each in boxes if each != post]")
          + _push("follow", "pass") + _push("unfollow", "pass"), "outside the functions"),
    Wrong("an endless loop", PUSH, _push("follow", ENDLESS), "still running", "timed_out"),
    Wrong("replaces the world's sort", PUSH, _push(
          "publish", "import builtins", "builtins.sorted = lambda *a, **k: []"), "does not see post"),
    Wrong("pulls in disguise", ONE_LIST, _push_read(
          "posts = [p for a in store.following(reader) for p in store.outbox(a)]",
          "return sorted(posts, reverse=True)[:limit]"), "looks up no outbox"),
    Wrong("looks the inbox up for each author", ONE_LIST, _push_read(
          "posts = {p for a in store.following(reader) for p in store.inbox(reader) if p.author == a}",
          "return sorted(posts, reverse=True)[:limit]"), "one is enough"),
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
          "that is the wrong timeline"),
    Wrong("adds the id", SHOWS,
          _def(PUBLISH, "for reader in store.followers(post.author):", "    store.add(reader, post.id)"),
          "where a post belongs"),
    Wrong("changes the post", SHOWS, _def(PUBLISH, "post.id = 7"), "a post does not change"),
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
    Wrong("does nothing at a crossing", CROSSES, _crossed("pass"), "more than once"),
    Wrong("copies in both directions", CROSSES, _crossed(
          "for reader in store.followers(author):", "    for post in store.outbox(author):",
          "        store.add(reader, post)"), "more than once"),
    Wrong("removes in both directions", CROSSES, _crossed(
          "for reader in store.followers(author):", "    for post in store.outbox(author):",
          "        store.remove(reader, post)"), "does not see post"),
    Wrong("has the directions the wrong way round", CROSSES, _crossed(
          "change = store.add if store.is_celebrity(author) else store.remove",
          "for reader in store.followers(author):", "    for post in store.outbox(author):",
          "        change(reader, post)"), "more than once"),
    Wrong("copies the newest post only", CROSSES, _crossed(
          "change = store.remove if store.is_celebrity(author) else store.add",
          "for reader in store.followers(author):", "    for post in store.outbox(author)[:1]:",
          "        change(reader, post)"), "post"),
    Wrong("leaves the copies, and shows each post once", CROSSES, LAZY.replace(
          LAZY_READ, "if post.author in followed").replace(
          "return list(heapq.merge(*lists, key=lambda post: -post.id))[:limit]",
          "return sorted({post for each in lists for post in each}, reverse=True)[:limit]"), "has deleted"),
    Wrong("leaves the copies, and shows them too", CROSSES, LAZY.replace(LAZY_READ, "if post.author in followed"),
          "more than once"),
    Wrong("adds on the way down, and forgets what was deleted meanwhile", CROSSES, LAZY + _crossed(
          "if ordinary(store, author):", "    for reader in store.followers(author):",
          "        for post in store.outbox(author):", "            store.add(reader, post)"), "has deleted"),
    Wrong("forgets who unfollowed meanwhile", CROSSES, LAZY.replace(
          LAZY_READ, "if ordinary(store, post.author)") + UNFOLLOW_WHILE_ORDINARY, "does not follow"),
    Wrong("forgets who comes back", CROSSES, LAZY + UNFOLLOW_WHILE_ORDINARY + _def(
          FOLLOW, "for post in store.outbox(author) if ordinary(store, author) else []:",
          "    store.add(reader, post)"), "has deleted"),
    Wrong("remembers who was a celebrity", CROSSES, _read(
          "return sorted(set(posts), reverse=True)[:limit]").replace(
          "store.is_celebrity(author)", "author in ('nova', 'zara')"), "post"),
    Wrong("an endless loop", CROSSES, _crossed(ENDLESS), "still running", "timed_out"),
    Wrong("is no function", CROSSES, "crossed = 'copies are moved'", "needs a function"),
    Wrong("empties the followers", CROSSES, _crossed("store.followers(author).clear()"), "That list is a copy"),
    Wrong("adds to everybody whom the author follows", CROSSES, _crossed(
          "for reader in store.following(author):", "    for post in store.outbox(author):",
          "        store.add(reader, post)"), "that is the wrong timeline"),
    Wrong("clears and copies again", CROSS_WORK, LAZY + _crossed(
          "for reader in store.followers(author):", "    for post in store.inbox(reader):",
          "        if post.author == author:", "            store.remove(reader, post)",
          "    for post in store.outbox(author) if ordinary(store, author) else []:",
          "        store.add(reader, post)"), "was enough"),
    Wrong("goes through the followers twice, to be sure", CROSS_WORK, _crossed(
          "change = store.remove if store.is_celebrity(author) else store.add",
          "for reader in store.followers(author) * 2:", "    for post in store.outbox(author):",
          "        change(reader, post)"), "was enough"),
    Wrong("cleans up while the account is a celebrity", CROSS_WORK, LAZY + _def(
          DELETE, "for reader in store.followers(post.author):", "    store.remove(reader, post)"), "(a celebrity)"),
    Wrong("the rule of thumb", PROMISES, "threshold = 10_000", "the promise is 10 s"),
    Wrong("push everything", PROMISES, "threshold = 10**9", "the promise is 10 s"),
    Wrong("pull everything", PROMISES, "threshold = 0", "lookups"),
    Wrong("too careful", PROMISES, "threshold = 1_000", "lookups"),
    Wrong("negative", PROMISES, "threshold = -5", "no account"),
    Wrong("absurd", PROMISES, "threshold = 10**12", "no account"),
    Wrong("a text", PROMISES, "threshold = '5 K'", "whole number"),
    Wrong("yes", PROMISES, "threshold = True", "whole number"),
    Wrong("not a number", PROMISES, "threshold = float('nan')", "whole number"),
    Wrong("empty", DEFENCE, "defence = ''", "silence defends nothing"),
    Wrong("not a text", DEFENCE, "defence = 5_000", "a defence is a text"),
    Wrong("off topic", DEFENCE,
          "defence = 'It was 21 degrees in Paris and the train took 3 h. We took it with 2 friends.'",
          "never says so"),
    Wrong("no number at all", DEFENCE,
          "defence = 'I take the hybrid because it scales. It is what everybody does, so it is right for us.'",
          "holds no number"),
    Wrong("keyword salad", DEFENCE,
          "defence = 'Threshold, latency, p99 lookups, slowest delivery, trade-off, push, pull, followers, headroom.'",
          "holds no number"),
    Wrong("keyword salad with the right numbers", DEFENCE,
          "defence = 'threshold 5,000 followers, slowest delivery 9.6 s, p99 7 lookups, trade-off 10,000 18.9 s'",
          "not a sentence"),
    Wrong("a bare list", DEFENCE, "defence = '5,000 followers. 9.6 s. 7 lookups. 10,000: 18.9 s.'", "not a sentence"),
    Wrong("the task text", DEFENCE, "defence = 'The last follower of any pushed account has a post within 10 s. "
          "Ninety-nine reads in a hundred need at most 8 lookups. It is 500 deliveries/s for the same graph.'",
          "never says so"),
    Wrong("another threshold", DEFENCE, _defence("5,000 -> 6,000"), "You chose 5,000"),
    Wrong("a threshold in seconds", DEFENCE, _defence("5,000 followers -> 5,000 s"), "a number of followers"),
    Wrong("a wrong time", DEFENCE, _defence("9.6 s -> 12 s"),
          "You say '12 s'; at 5,000 the slowest delivery takes 9.6 s"),
    Wrong("minutes for seconds", DEFENCE, _defence("9.6 s -> 9.6 min"), "You say '9.6 min'"),
    Wrong("the promise for the fact", DEFENCE,
          _defence("takes 9.6 s, just inside the promise -> is what we promise, 10 s"),
          "how long the slowest delivery takes"),
    Wrong("wrong lookups", DEFENCE, _defence("7 lookups -> 3 lookups"),
          "You say '3 lookups'; at 5,000 the p99 read needs 7"),
    Wrong("lookups in seconds", DEFENCE, _defence("7 lookups -> 7 s"), "You say '7 s'"),
    Wrong("no lookups", DEFENCE, _defence("needs 7 lookups -> is cheap"), "how many lookups"),
    Wrong("no trade-off", DEFENCE,
          _defence(" If I moved the line up to 10,000, the slowest delivery would take 18.9 s. -> "),
          "no other threshold"),
    Wrong("a trade-off without its number", DEFENCE, _defence("would take 18.9 s -> would be worse"),
          "not the number that gets worse"),
    Wrong("a trade-off that gets better", DEFENCE,
          _defence("the slowest delivery would take 18.9 s -> it is 5 lookups"),
          "not the number that gets worse"),
    Wrong("a wrong number at the other threshold", DEFENCE, _defence("18.9 s -> 30 s"),
          "at 10,000 the slowest delivery"),
    Wrong("a wrong rate", DEFENCE, _defence("just inside -> at 500 deliveries/min inside"),
          "You say '500 deliveries/min'"),
    Wrong("a number denied", DEFENCE, _defence("then takes 9.6 s -> does not take 9.6 s"), "You deny"),
    Wrong("everything denied", DEFENCE, _defence("I push -> It is not true that I push"), "You deny"),
    Wrong("one sentence, over and over", DEFENCE, f"defence = {DEFENDED!r} * 8", "nobody listens that long"),
    Wrong("one sentence only", DEFENCE,
          "defence = 'At 5,000 followers it takes 9.6 s and 7 lookups, as we see in the list.'", "1 sentence"),
    Wrong("keeps five workers", GROWTH, _design(5, 5_000), "backlog grows by 1,317 copies every second"),
    Wrong("rounds the average down", GROWTH, _design(18, 5_000), "backlog grows"),
    Wrong("has enough on average, and forgets the queue", GROWTH, _design(19, 5_000), "the p99 of the last copy was"),
    Wrong("ten times the workers", GROWTH, _design(50, 5_000), "37 % of their time"),
    Wrong("raises the threshold", GROWTH, _design(20, 10_000), "the p99 of the last copy was"),
    Wrong("lowers it below what the read allows", GROWTH, _design(18, 2_000), "needs 11 lookups"),
    Wrong("no workers", GROWTH, _design(0, 5_000), "0 workers"),
    Wrong("half a worker", GROWTH, _design(19.5, 5_000), "whole number"),
    Wrong("less than nothing", GROWTH, _design(-3, 5_000), "whole number"),
    Wrong("absurd", GROWTH, _design(10**9, 10**30), "whole number"),
    Wrong("as text", GROWTH, _design("20 workers", "5 K"), "whole number"),
    Wrong("no dictionary", GROWTH, "design_10x = (20, 5_000)", "a dictionary"),
    Wrong("half of it", GROWTH, "design_10x = {'workers': 20}", "a dictionary"),
    Wrong("empty", GROWTH, "design_10x = {}", "a dictionary"),
    Wrong("forgets the workers' number", FLAW_1, "flaw_1 = '1600 s'", "too large"),
    Wrong("a power of ten", FLAW_1, "flaw_1 = '8 s'", "power of ten"),
    Wrong("what fits into the promise", FLAW_1, "flaw_1 = '500 K followers'", "is a time"),
    Wrong("the promise", FLAW_1, "flaw_1 = '5 s'", "too small"),
    Wrong("an opinion", FLAW_1, "flaw_1 = 'it does not scale'", "no number"),
    Wrong("empty", FLAW_1, "flaw_1 = ''", "empty"),
    Wrong("the share that is in time", FLAW_2, "flaw_2 = '60.5 %'", "Which reads are the others?"),
    Wrong("adds the shares up", FLAW_2, "flaw_2 = '50 %'", "adds the lookups' shares up"),
    Wrong("the colleague's claim", FLAW_2, "flaw_2 = '1 %'", "your colleague's own claim"),
    Wrong("one lookup in time", FLAW_2, "flaw_2 = 0.99", "a single lookup"),
    Wrong("a time", FLAW_2, "flaw_2 = '100 ms'", "is a time"),
    Wrong("a count", FLAW_2, "flaw_2 = '39 reads'", "too large"),
    Wrong("an opinion", FLAW_2, "flaw_2 = 'most'", "no number"),
    Wrong("empty", FLAW_3, "story_3 = []", "this is none"),
    Wrong("a text", FLAW_3, "story_3 = 'ben follows ana, unfollows her, and follows her again'", "this is none"),
    Wrong("steps as texts", FLAW_3, "story_3 = ['follow ben ana', 'read ben 10']", "three parts"),
    Wrong("an unknown step", FLAW_3, _story("like ben ana", "read ben 10"), "its first part is one of"),
    Wrong("an unknown account", FLAW_3, _story("follow bob ana", "read bob 10"), "its second part is one of"),
    Wrong("a post without a number", FLAW_3, "story_3 = [('publish', 'ana', 'hello')]", "a whole number"),
    Wrong("nobody reads", FLAW_3, _story("follow ben ana", "publish ana 1", "unfollow ben ana"), "Nobody reads"),
    Wrong("out of order", FLAW_3, _story("unfollow ben ana", "follow ben ana", "publish ana 1", "read ben 10"),
          "does not follow ana at that moment"),
    Wrong("deletes what was never published", FLAW_3, _story("follow ben ana", "delete ana 1", "read ben 10"),
          "no post 1 by ana"),
    Wrong("a post older than the last", FLAW_3, _story("publish ana 5", "publish ana 2", "read ben 10"), "above 5"),
    Wrong("far too long", FLAW_3, _story(*["read ben 10"] * 51), "50 are plenty"),
    Wrong("a story that goes well", FLAW_3, _story("follow ben ana", "publish ana 1", "delete ana 1", "read ben 10"),
          "your colleague's code is right"),
    Wrong("an unfollow alone", FLAW_3, _story("follow ben ana", "publish ana 1", "unfollow ben ana", "read ben 10"),
          "your colleague's code is right"),
    Wrong("a crossing alone", FLAW_3, _story("follow ben ana", "publish ana 1", "cross ana up", "read ben 10",
          "delete ana 1", "cross ana down", "read ben 10"), "your colleague's code is right"),
)  # fmt: skip
