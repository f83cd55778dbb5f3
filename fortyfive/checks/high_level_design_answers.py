"""Right answers to exercise 04, and the misconceptions that its checks must catch, each by its own feedback."""

from __future__ import annotations

from fortyfive.checks.answers import Right, Wrong, solution
from fortyfive.checks.high_level_design_given import TODAY

SKELETON = """
client -> gateway ->[retry=3] notify x4 [backlog=20] -> kv
notify -> queue [limit=1M, tries=5] ->[fanout=4] workers x20 -> apns
"""
GROWN = """
client -> gateway ->[retry=3] notify x12 [backlog=20] -> kv x3
notify -> queue [limit=1M, tries=5] ->[fanout=4] workers x20 [batch=10] -> apns
"""
SHORTENER = """
client -> lb ->[retry=2] shorten x8 [backlog=20]
shorten ->[optional] cache x2 [size=20k, coalesce]
shorten ->[only=miss] links:kv
"""
SHOP = """
client -> lb
lb ->[only=browse, retry=2] catalogue x14 [backlog=20]
catalogue ->[optional] cache x2 [size=20k, ttl=60s, coalesce]
catalogue ->[only=miss] products:kv
lb ->[only=cart, retry=4] cart x4 [backlog=20] -> carts:kv x2
lb ->[only=order+orders, retry=4] order x3 [backlog=20] -> orders_db:sql x2 [standby]
order ->[only=order] mails:queue [limit=1M, tries=5] -> workers x2 -> mail:push
"""
NEEDLESS = ("dns", "limiter", "ids", "scan", "scanner", "clicks", "counters", "stats", "search")

# A balancer of its own kind, other names, the workers look the tokens up, a cache that carries the growth, a store
# instead of a cache, a CDN for the catalogue, and the functions without `math`.
OTHERWISE = '''skeleton = """
# what the caller waits for
callers:client "other teams" -> lb
lb ->[retry=2] api:service x5 [backlog=30]
api -> outbox:sqs [limit=500k, tries=3]
# what nobody waits for
outbox ->[fanout=4] senders:workers x24
senders -> tokens:dynamodb x2
senders -> fcm
"""

design_10x = """
client -> gateway ->[retry=3] notify x13 [backlog=20]
notify ->[optional] tokens:cache x2
notify ->[only=miss] kv
notify -> queue [limit=1M, tries=5] ->[fanout=4] workers x20 [batch=16] -> apns
"""
changes = {
    "kept": ("kv", "apns", "client", "queue", "gateway"),
    "changed": {"notify", "workers"},
    "added": ["tokens"],
    "removed": [],
    "deferred": ["second region", "stream"],
}

shortener = """
client -> edge:nlb ->[retry=3] app:service x9 [backlog=10] -> links:cassandra x4
"""
removed = ("search", "stats", "counters", "clicks", "scanner", "scan", "ids", "limiter", "dns")
bottleneck = " Workers "
breaks_at = 400 / 150 + 0.2
policies = dict(alike="least", uneven="least") | {"one dies": "random"}

shop = """
client -> lb
lb ->[only=browse, retry=2] catalogue x16 [backlog=20] -> products:dynamodb x4
lb ->[only=cart, retry=3] cart x5 [backlog=20] -> carts:dynamodb x3
lb ->[only=order+orders, retry=5] order x4 [backlog=20] -> db:postgres x2 [standby]
order ->[only=order] outbox:sqs [limit=100k, tries=4] -> senders:workers x3 -> mail:sns
"""


def instances_for(rate_per_s, service_s, slots, most_busy):
    count = 1
    while rate_per_s * service_s > count * slots * most_busy:
        count += 1
    return count


def collision_chance(length, links):
    codes, different = (2 * 26 + 10) ** length, 1.0
    for taken in range(links):
        different *= 1 - taken / codes
        if different <= 0:
            return 1
    return 1 - different
'''

RIGHT = (
    Right("two lines, and the fewest changes", solution("04_high_level_design")),
    Right("other names, other stores, loops instead of formulas", OTHERWISE),
)

READS, WAYS, FIRST = "skeleton_reads", "skeleton_has_every_way", "skeleton_answers_first"
PROMISES, SURVIVES, PUSH = "skeleton_keeps_its_promises", "skeleton_survives", "skeleton_leaves_nothing_to_push_on"
CARRIES, SAYS, EACH = "ten_times_carries", "ten_times_says_what_changed", "ten_times_needs_each_change"
SERVES, DEAD = "shortener_serves", "shortener_survives"
MEETS, LEAN = "lean_meets", "lean_is_lean"
FULL, BREAKS = "bottleneck_is_found", "breaking_point_is_predicted"
ALIKE, UNEVEN, DIES = "policy_for_like_requests", "policy_for_uneven_requests", "policy_while_one_is_dead"
DAY, SALE = "shop_meets_the_day", "shop_meets_the_sale"
COUNT, CHANCE = "instances_are_counted", "collisions_are_likely"


def _changed(name: str, text: str, *replacements: str) -> str:
    """Return a definition of a text with some of it replaced, each as "old => new"."""
    for replacement in replacements:
        old, new = replacement.split(" => ")
        assert old in text, old
        text = text.replace(old, new)
    return f"{name} = {text!r}"


def _skeleton(*replacements: str) -> str:
    return _changed("skeleton", SKELETON, *replacements)


def _grown(*replacements: str) -> str:
    return _changed("design_10x", GROWN, *replacements)


def _shortener(*replacements: str) -> str:
    return _changed("shortener", SHORTENER, *replacements)


def _shop(*replacements: str) -> str:
    return _changed("shop", SHOP, *replacements)


def _stated(**lists: list[str]) -> str:
    stated = {
        "kept": ["client", "gateway", "queue", "apns"],
        "changed": ["notify", "kv", "workers"],
        "deferred": ["cache", "stream", "second region"],
    }
    return f"changes = {stated | lists!r}"


def _removed(*names: str) -> str:
    return f"removed = {list(names)!r}"


def _kept(*names: str) -> str:
    return _removed(*(name for name in NEEDLESS if name not in names))


def _policies(**chosen: str) -> str:
    policies = {"alike": "round-robin", "uneven": "least", "one dies": "round-robin"}
    return f"policies = {policies | {name.replace('_', ' '): value for name, value in chosen.items()}!r}"


def _function(signature: str, returned: str) -> str:
    return f"def {signature}:\n    return {returned}"


def _count(returned: str) -> str:
    return _function("instances_for(rate_per_s, service_s, slots, most_busy)", returned)


def _chance(returned: str) -> str:
    return _function("collision_chance(length, links)", returned)


WRONG = (
    # --- the skeleton
    Wrong("empty", READS, "skeleton = ''", "Nothing is drawn"),
    Wrong("a number", READS, "skeleton = 4", "should be a design: a text"),
    Wrong("a list of boxes", READS, "skeleton = ['client', 'queue']", "should be a design: a text"),
    Wrong("prose", READS, "skeleton = 'We use a queue, because it decouples the services.'", "cannot be run"),
    Wrong("keyword salad", READS, "skeleton = 'kafka redis sharding cdn microservices'", "cannot be run"),
    Wrong("a circle", READS, _skeleton("-> kv => -> kv -> notify"), "Line"),
    Wrong("nobody asks", READS, _skeleton("client -> => "), "no client"),
    Wrong("no machines", READS, _skeleton("x20 => x0"), "Line 3"),
    Wrong("an unknown parameter", READS, _skeleton("tries=5 => attempts=5"), "Line 3, column"),
    Wrong("a megabyte", READS, "skeleton = 'client -> notify\\n' * 65_000", "characters"),
    Wrong("a faster machine", READS, _skeleton("backlog=20 => time=1ms"), "measured and not chosen"),
    Wrong("a machine for nothing", READS, _skeleton("backlog=20 => usd=0"), "measured and not chosen"),
    Wrong("a word of another prompt", READS, _skeleton("->[retry=3] => ->[retry=3, only=browse]"), "only=browse"),
    Wrong("another prompt", WAYS, f"skeleton = {SHORTENER!r}", "only the push provider reaches a phone"),
    Wrong("only the beginning", WAYS, "skeleton = 'client -> gateway -> notify x4'", "only the push provider"),
    Wrong("forgets the store", WAYS, _skeleton(" -> kv => "), "device tokens and preferences"),
    Wrong("one message for four devices", WAYS, _skeleton("->[fanout=4] => ->"), "One 'notify' has to become 4"),
    Wrong("a queue nobody reads", WAYS, _skeleton("->[fanout=4] workers x20 -> apns => ->[fanout=4] apns"),
          "reads no queue"),
    Wrong("can do without the store", WAYS, _skeleton("-> kv => ->[optional] kv"),
          "Optional on its way: notify -> kv"),
    Wrong("leaves out a few", WAYS, _skeleton("notify -> queue => notify ->[share=0.93] queue"),
          "93% are sure to reach"),
    Wrong("half of the messages for each pool", WAYS, _skeleton("->[fanout=4] workers x20 -> apns => "
          "->[fanout=2] ios:workers x10 -> apns\nqueue ->[fanout=2] android:workers x10 -> fcm"),
          "to one of its readers"),
    Wrong("waits for the provider", FIRST,
          "skeleton = 'client -> lb ->[retry=3] notify x12 [backlog=20] -> kv\\nnotify ->[fanout=4] apns'",
          "With the provider 20 times as slow"),
    Wrong("an arrow that does not wait, and no queue", FIRST,
          "skeleton = 'client -> lb ->[retry=3] notify x12 -> kv\\nnotify ~>[fanout=4] workers x20 -> apns'",
          "lost with the process"),
    Wrong("counts the requests, and not the messages", PROMISES, _skeleton("x20 => x5"), "Full first: workers"),
    Wrong("rounds the average down", PROMISES, _skeleton("x20 => x12"), "'queue' grows"),
    Wrong("one machine for everything", PROMISES, _skeleton("x4 => x1", "x20 => x1"), "Full first"),
    Wrong("buys its way out", PROMISES, _skeleton("x20 => x90"), "may cost USD 5,000"),
    Wrong("copies, and nobody tries again", SURVIVES, _skeleton("->[retry=3] => ->"), "cannot spare one"),
    Wrong("one try more, of four machines", SURVIVES, _skeleton("retry=3 => retry=1"), "cannot spare one"),
    Wrong("a store without a second", SURVIVES, _skeleton("-> kv => -> sql x1"), "nothing takes over"),
    Wrong("looks for who is idle", SURVIVES, _skeleton("-> gateway => -> gateway [policy=least]"), "and looks idle"),
    Wrong("an end that nobody will see", PUSH, _skeleton("limit=1M => limit=1000M"), "as good as no limit"),
    Wrong("a thousand tries", PUSH, _skeleton("tries=5 => tries=1000"), "is tried 1,000 times"),
    Wrong("a queue without an end", PUSH, _skeleton("limit=1M, => "), "has no limit"),
    Wrong("tries for ever", PUSH, _skeleton(", tries=5 => "), "is tried for ever"),
    Wrong("one box more", PUSH, _skeleton("-> kv => -> kv\nnotify -> audit:queue [limit=1M, tries=5] -> "
          "archive:workers x5 -> blob"), "No requirement needs 'archive'"),
    # --- ten times
    Wrong("leaves it as it is", CARRIES, f"design_10x = {TODAY!r}", "Full first"),
    Wrong("ten times everything", CARRIES, _grown("x12 => x40", "x20 [batch=10] => x200"), "may cost USD 20,000"),
    Wrong("forgets the store", CARRIES, _grown("kv x3 => kv"), "Full first: kv"),
    Wrong("forgets the services", CARRIES, _grown("x12 => x4"), "Full first: notify"),
    Wrong("more workers, each by itself", CARRIES, _grown("x20 [batch=10] => x130"), "may cost USD 20,000"),
    Wrong("in time for ten seconds", CARRIES, _grown("batch=10 => batch=5"), "'queue' grows"),
    Wrong("no room for a death", CARRIES, _grown("x12 => x10"), "cannot spare one"),
    Wrong("workers that need no time", CARRIES, _grown("batch=10 => batch=10, each=0ms"), "measured and not chosen"),
    Wrong("drops what it cannot keep", CARRIES, _grown("fanout=4 => fanout=1"), "has to become 4"),
    Wrong("takes the end off the queue", CARRIES, _grown("limit=1M, => "), "has no limit"),
    Wrong("a word", CARRIES, "design_10x = 'sharding'", "cannot be run"),
    Wrong("everything kept", SAYS, _stated(kept=["client", "gateway", "queue", "apns", "kv"],
          changed=["notify", "workers"]), "It is changed (the number of 'kv', from x1 to x3)"),
    Wrong("says more than it did", SAYS, _stated(kept=["client", "gateway", "apns"],
          changed=["notify", "kv", "workers", "queue"]), "'queue' is changed. It is kept"),
    Wrong("forgets to mention a box", SAYS, _stated(changed=["notify", "workers"]), "does not mention 'kv'"),
    Wrong("forgets what stays", SAYS, _stated(kept=["client", "gateway"]), "which is kept"),
    Wrong("calls it new", SAYS, _stated(changed=["notify", "workers"], added=["kv"]), "'kv' is added. It is changed"),
    Wrong("a box of another design", SAYS, _stated(added=["redis"]), "neither design has such a box"),
    Wrong("does not hear what was floated", SAYS, _stated(deferred=["cache", "stream"]), "floated 'second region'"),
    Wrong("defers what it does", SAYS, _stated(deferred=["cache", "stream", "second region", "batches"]),
          "and your design has it"),
    Wrong("defers what nobody floated", SAYS, _stated(deferred=["cache", "stream", "second region", "blockchain"]),
          "nobody has floated"),
    Wrong("a sentence", SAYS, "changes = 'more machines'", "should be a dictionary"),
    Wrong("lists as texts", SAYS, "changes = {'kept': 'client'}", "should be a list of names"),
    Wrong("an unknown list", SAYS, "changes = {'same': ['client']}", "should be a dictionary"),
    Wrong("a larger queue too", EACH, _grown("limit=1M => limit=10M"),
          "limit of 'queue', from 1,000,000 to 10,000,000"),
    Wrong("a second store and a cache", EACH, _grown("-> kv x3 => ->[optional] cache x2\nnotify ->[only=miss] kv x3"),
          "adding 'cache'"),
    Wrong("more tries for more load", EACH, _grown("retry=3 => retry=6"), "retry of gateway -> notify, from 3 to 6"),
    Wrong("the same boxes by other names", EACH, _grown("workers x20 => senders:workers x20"),
          "'workers' is gone, and 'senders' is new and of the same kind"),
    Wrong("a few machines to be safe", EACH, _grown("x20 [batch=10] => x24 [batch=10]"), "the number of 'workers'"),
    # --- one dead
    Wrong("empty", SERVES, "shortener = ''", "Nothing is drawn"),
    Wrong("no code of its own", SERVES, "shortener = 'client -> lb -> links:kv x4'", "meets no code of yours"),
    Wrong("forgets the store", SERVES, "shortener = 'client -> lb -> shorten x8 -> cache x2'",
          "stored somewhere durable"),
    Wrong("one part of a store for all reads", SERVES,
          "shortener = 'client -> lb ->[retry=2] shorten x8 [backlog=20] -> links:kv'", "Full first"),
    Wrong("asks the store one time in ten", SERVES,
          "shortener = 'client -> lb ->[retry=2] shorten x8 [backlog=20] ->[share=0.1] links:kv'",
          "10% are sure to reach"),
    Wrong("goes on where the store fails", SERVES,
          "shortener = 'client -> lb ->[retry=2] shorten x8 [backlog=20] ->[optional] links:kv [rate=9/s]'",
          "Optional on its way: shorten -> links"),
    Wrong("answers before it knows", SERVES,
          "shortener = 'client -> lb ->[retry=2] shorten x8 [backlog=20] ~> links:kv x4'", "is answered before it has"),
    Wrong("three machines", SERVES, _shortener("x8 => x3"), "Full first: shorten"),
    Wrong("a cache that never misses", SERVES, _shortener("size=20k => hit=1"), "measured and not chosen"),
    Wrong("money is no object", SERVES, _shortener("x8 => x30"), "may cost USD 1,500"),
    Wrong("another prompt", SERVES, f"shortener = {SKELETON!r}", "Full first"),
    Wrong("redundancy is enough", DEAD, _shortener("->[retry=2] => ->"),
          "'shorten' has 8 machines, and cannot spare one"),
    Wrong("a cache that must answer", DEAD, _shortener("->[optional] => ->"), "and no copy of them"),
    Wrong("a balancer of one's own", DEAD, _shortener("-> lb => -> lb x1"), "nothing takes over"),
    Wrong("no machine to spare", DEAD, _shortener("x8 => x6"), "'shorten' has 6 machines"),
    # --- too much
    Wrong("everything but one", MEETS, _removed(*NEEDLESS, "cache", "lb", "links"), "stored somewhere durable"),
    Wrong("the cache too", MEETS, _removed(*NEEDLESS, "cache"), "Full first"),
    Wrong("the balancer too", MEETS, _removed(*NEEDLESS, "lb"), "Nothing spreads the requests"),
    Wrong("its own code too", MEETS, _removed(*NEEDLESS, "shorten"), "meets no code of yours"),
    Wrong("nothing", MEETS, "removed = []", "'clicks' grows for as long"),
    Wrong("only the dearest", MEETS, _removed("dns"), "'clicks' grows for as long"),
    Wrong("keeps a name for the balancer", MEETS, _kept("dns"), "'dns' USD 851"),
    Wrong("keeps a limiter of two", MEETS, _kept("limiter"), "'limiter' has 2 machines"),
    Wrong("whoever asks", MEETS, _removed("client"), "nobody asks"),
    Wrong("a box that is not there", MEETS, _removed("kafka"), "There is no 'kafka'"),
    Wrong("a word", MEETS, "removed = 'search'", "should be a list of names"),
    Wrong("no names", MEETS, "removed = [1, 2]", "should be a list of names"),
    Wrong("the store", MEETS, _removed(*NEEDLESS, "links"), "stored somewhere durable"),
    Wrong("keeps the scan", LEAN, _kept("scan", "scanner"), "No requirement needs 'scanner'"),
    Wrong("keeps the numbers", LEAN, _kept("ids"), "No requirement needs 'ids' (service)"),
    Wrong("keeps half of a chain", LEAN, _kept("scanner"), "No requirement needs 'scanner'"),
    # --- what breaks first
    Wrong("the longest time", FULL, "bottleneck = 'push'", "longest time is no limit"),
    Wrong("forgets the hit ratio", FULL, "bottleneck = 'db'", "the cache answers most"),
    Wrong("who is asked first", FULL, "bottleneck = 'api'", "'api' 9%"),
    Wrong("a box that is not there", FULL, "bottleneck = 'network'", "should be the name of a box"),
    Wrong("a list", FULL, "bottleneck = ['workers']", "should be the name of a box"),
    Wrong("forgets the fan-out", BREAKS, "breaks_at = 8", "Each post makes several messages"),
    Wrong("forgets that it holds", BREAKS, "breaks_at = 42.7", "holds its slot while it waits"),
    Wrong("forgets the hit ratio", BREAKS, "breaks_at = 2", "only the misses come to the store"),
    Wrong("when the store is full", BREAKS, "breaks_at = 10", "full long before"),
    Wrong("forgets the slots", BREAKS, "breaks_at = 0.167", "and not the slots"),
    Wrong("posts a second", BREAKS, "breaks_at = 133", "That is the rate"),
    Wrong("a guess", BREAKS, "breaks_at = 5", "which load is it 100 %"),
    Wrong("a text", BREAKS, "breaks_at = '2.67 times'", "should be a number"),
    Wrong("never", BREAKS, "breaks_at = float('inf')", "should be a number"),
    Wrong("beyond all numbers", BREAKS, "breaks_at = 10**400", "should be a number"),
    Wrong("less than nothing", BREAKS, "breaks_at = -2.67", "should be a number"),
    # --- who gets the next
    Wrong("by chance", ALIKE, _policies(alike="random"), "random 349 ms"),
    Wrong("two are enough", ALIKE, _policies(alike="two"), "there is a better policy"),
    Wrong("an unknown policy", ALIKE, _policies(alike="fastest"), "should be one of"),
    Wrong("turns", UNEVEN, _policies(uneven="round-robin"), "and not the work"),
    Wrong("by chance", UNEVEN, _policies(uneven="random"), "blocks its machine"),
    Wrong("one for all", UNEVEN, "policies = 'least'", "Write a dictionary"),
    Wrong("the clever one", DIES, _policies(one_dies="least"), "least loses 2,094"),
    Wrong("the better of two", DIES, _policies(one_dies="two"), "it is never busy"),
    Wrong("leaves it out", DIES, "policies = {'alike': 'least', 'uneven': 'least'}", "says None for 'one dies'"),
    # --- the sale
    Wrong("nothing", DAY, "shop = '# later'", "Nothing is drawn"),
    Wrong("another prompt", DAY, f"shop = {SHORTENER!r}", "an order and its stock change together"),
    Wrong("orders in a key-value store", DAY, _shop("orders_db:sql x2 [standby] => orders_db:kv"),
          "change together, or not at all"),
    Wrong("waits for the mail", DAY, _shop("mails:queue [limit=1M, tries=5] -> workers x2 -> mail:push => mail:push"),
          "waits for 'mail'"),
    Wrong("a mail in memory", DAY, _shop("->[only=order] mails:queue [limit=1M, tries=5] -> workers => "
          "~>[only=order] workers"), "lost with the process"),
    Wrong("one mail in a hundred", DAY, _shop("->[only=order] mails => ->[only=order, share=1%] mails"),
          "1% are sure to reach a push provider"),
    Wrong("a cart that is stored later", DAY, _shop("-> carts => ~> carts"), "'cart' is answered before"),
    Wrong("no address", DAY, _shop("client -> lb\n => ", "lb ->[ => client ->["), "Nothing spreads the requests"),
    Wrong("no mail", DAY, _shop("order ->[only=order] mails:queue [limit=1M, tries=5] -> workers x2 -> mail:push => "),
          "leaves through a provider of mail"),
    Wrong("nobody tries again", DAY, _shop("->[only=cart, retry=4] => ->[only=cart]"), "cannot spare one"),
    Wrong("no budget", DAY, _shop("x14 => x90"), "may cost USD 4,000"),
    Wrong("right for the day", SALE, _shop("x14 => x7"), "Full first: catalogue"),
    Wrong("no cache for the reads", SALE,
          _shop("\ncatalogue ->[optional] cache x2 [size=20k, ttl=60s, coalesce] => ", "->[only=miss] => ->"),
          "Full first"),
    Wrong("forgets the writes", SALE, _shop("workers x2 => workers x1"), "'mails' grows"),
    Wrong("a larger cache for the writes", SALE, _shop("workers x2 => workers x1", "cache x2 => cache x6"),
          "'mails' grows"),
    # --- two numbers
    Wrong("no headroom", COUNT, _count("math.ceil(rate_per_s * service_s / slots)"), "where is `most_busy`?"),
    Wrong("a slot is a machine", COUNT, _count("math.ceil(rate_per_s * service_s / most_busy)"), "requests at once"),
    Wrong("headroom the wrong way", COUNT, _count("math.ceil(rate_per_s * service_s * most_busy / slots)"),
          "Headroom makes the number larger"),
    Wrong("rounds down", COUNT, _count("int(rate_per_s * service_s / (slots * most_busy))"), "too few machines"),
    Wrong("rounds", COUNT, _count("round(rate_per_s * service_s / (slots * most_busy))"), "too few"),
    Wrong("one more to be safe", COUNT, _count("int(rate_per_s * service_s / (slots * most_busy)) + 1"),
          "one too many where the division comes out even"),
    Wrong("a part of a machine", COUNT, _count("rate_per_s * service_s / (slots * most_busy)"), "round up"),
    Wrong("a text", COUNT, _count("'3 machines'"), "should return a number"),
    Wrong("nothing", COUNT, _count("None"), "should return a number"),
    Wrong("no function", COUNT, "instances_for = 3", "should be a function"),
    Wrong("an endless search", COUNT,
          "def instances_for(rate_per_s, service_s, slots, most_busy):\n    while True:\n        pass",
          "still running", verdict="timed_out"),
    Wrong("patches what it is judged by", COUNT,
          "import math\nmath.ceil = lambda value: 7\n" + _count("math.ceil(rate_per_s * service_s / slots)"),
          "returns 7"),
    Wrong("the next link", CHANCE, _chance("links / 62**length"), "the next link meets one"),
    Wrong("pairs, and no chance", CHANCE, _chance("links * (links - 1) / 2 / 62**length"), "never above 1"),
    Wrong("cut at one", CHANCE, _chance("min(1, links * (links - 1) / 2 / 62**length)"), "still too large"),
    Wrong("all are different", CHANCE, _chance("math.exp(-links * (links - 1) / 2 / 62**length)"), "all are different"),
    Wrong("the power the wrong way", CHANCE, _chance("1 - math.exp(-links * (links - 1) / 2 / length**62)"),
          "62 times as many codes"),
    Wrong("small letters only", CHANCE, _chance("1 - math.exp(-links * (links - 1) / 2 / 36**length)"),
          "Capital letters"),
    Wrong("base 64", CHANCE, _chance("1 - math.exp(-links * (links - 1) / 2 / 64**length)"), "not 64"),
    Wrong("each pair twice", CHANCE, _chance("1 - math.exp(-links * (links - 1) / 62**length)"), "counted twice"),
    Wrong("in per cent", CHANCE, _chance("100 * (1 - math.exp(-links * (links - 1) / 2 / 62**length))"), "returns"),
    Wrong("beyond all numbers", CHANCE, _chance("10**400"), "should return a number"),
    Wrong("raises", CHANCE, _chance("1 / 0"), "ZeroDivisionError", verdict="raised"),
)  # fmt: skip
