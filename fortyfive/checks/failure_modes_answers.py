"""Right answers to exercise 09, and the misconceptions that its checks must catch, each by its own feedback."""

from __future__ import annotations

from fortyfive.checks.answers import Right, Wrong, solution

# The same promises, kept otherwise: equal jitter, whole tokens in integers, shares instead of rows, a heap for lines.
OTHER = """
import enum
import heapq
import math
from collections import deque
from dataclasses import dataclass, field

from fortyfive.checks.failure_modes_latencies import LATENCIES_S
from fortyfive.sim.world import NoAnswer, Refused

amplification = {"every layer": 3**5, "outermost only": 3, "10 % budget": 1.1**5}
timeout_s = sorted(LATENCIES_S)[-3]

BASE_S, CAP_S = 1, 15


def next_retry(attempt, error, draw):
    match error.status:
        case 400 | 404 | 410:
            return None
        case _ if attempt > 11:
            return None
    step_s = min(CAP_S, BASE_S * 2**attempt)
    spread_s = step_s / 2 + draw * step_s / 2
    return spread_s if error.retry_after_s is None else error.retry_after_s + spread_s


@dataclass
class RetryBudget:
    share: float
    burst: int

    def __post_init__(self):
        self.parts = round(1 / self.share)
        self.filled = self.burst * self.parts

    def request(self):
        self.filled = min(self.filled + 1, self.burst * self.parts)

    def may_retry(self):
        enough = self.filled >= self.parts
        self.filled -= self.parts * enough
        return enough


class State(enum.Enum):
    CLOSED = 1
    OPEN = 2
    HALF_OPEN = 3


class Breaker:
    WINDOW, COOL_DOWN_S, GIVE_UP_S = 100, 8.0, 3.0

    def __init__(self):
        self.state = State.CLOSED
        self.recent = deque(maxlen=self.WINDOW)
        self.since_s = 0.0

    def allow(self, now_s):
        wait_s = {State.OPEN: self.COOL_DOWN_S, State.HALF_OPEN: self.GIVE_UP_S}.get(self.state, 0)
        if self.state is State.CLOSED:
            return True
        if now_s < self.since_s + wait_s:
            return False
        self.state, self.since_s = State.HALF_OPEN, now_s
        return True

    def record(self, ok, started_s, now_s):
        if self.state is State.CLOSED:
            self.recent.append(ok)
            if self.recent.count(False) > self.WINDOW // 2:
                self.state, self.since_s = State.OPEN, now_s
        elif self.state is State.HALF_OPEN and started_s >= self.since_s:
            self.recent.clear()
            self.state, self.since_s = (State.CLOSED if ok else State.OPEN), now_s


async def attempt_one(push, token, text):
    try:
        await push.send(token, text)
    except NoAnswer:
        return "later"
    except Refused as refused:
        return {400: "done", 404: "dead", 410: "dead"}.get(refused.status, "later")
    return "done"


async def notify_devices(message, queue, store, push):
    rows = await store.scan("token:" + message.user + ":")
    fates = {}
    for key, token in reversed(rows):
        fates[key] = await attempt_one(push, token, message.text)
    for key, token in rows:
        if fates[key] == "dead":
            await store.delete_if(key, token)
    if "later" in fates.values():
        return await queue.nack(message, delay_s=15)
    return await queue.ack(message)


@dataclass
class Drain:
    rate: float = 2.0
    ceiling: float = 1e6
    rising: bool = field(default=True)

    def calls_per_s(self, now_s, backlog, oldest_s, refused_share):
        if refused_share == 1:
            self.rate = 2.0
        elif refused_share:
            self.ceiling = self.rate * (1 - refused_share)
            self.rate = self.ceiling * 0.8
        else:
            self.rate *= 1.1 if self.rate < self.ceiling else 1.01
        return math.floor(self.rate)


class Outbound:
    def __init__(self):
        self.waiting = []

    def put(self, message):
        heapq.heappush(self.waiting, (message.kind != "code", message.created_s, message.id, message))

    def take(self, now_s):
        while self.waiting:
            *_, message = heapq.heappop(self.waiting)
            if message.expires_s > now_s:
                return message


def admit(waiting, per_s, critical):
    longest_s = 0.3
    if critical:
        longest_s += 0.6
    return (waiting + 1) / per_s <= longest_s


trigger = [500, 0.5]
safe_load_per_s = 30
schedule = (["throttle", 0.0, 3600],)
"""

# A third way for the larger tasks: no cap but the number of tries, a breaker that asks for three good probes, an
# order by what is worth most, and a pace that knows the share.
THIRD = """
from fortyfive.sim.world import NoAnswer, Refused

amplification = {"every layer": 243.0, "outermost only": 3.0, "10 % budget": 1.6}
timeout_s = 1


def next_retry(attempt, error, draw):
    final = error.status is not None and 400 <= error.status < 500 and error.status != 429
    return None if final or attempt == 15 else (error.retry_after_s or 0) + min(0.5 * 2**attempt, 30) * draw


class RetryBudget:
    def __init__(self, share, burst):
        self.share, self.burst, self.used = share, burst, 0.0

    def request(self):
        self.used = max(0.0, self.used - self.share)

    def may_retry(self):
        if self.used > self.burst - 1:
            return False
        self.used += 1
        return True


class Breaker:
    def __init__(self):
        self.bad, self.good, self.shut, self.next_s, self.probe_s = 0, 0, False, 0, None

    def allow(self, now_s):
        if self.shut and now_s < self.next_s:
            return False
        if self.shut:
            self.probe_s, self.next_s = now_s, now_s + 6
        return True

    def record(self, ok, started_s, now_s):
        if not self.shut:
            self.bad = max(0, self.bad - 1) if ok else self.bad + 1
            if self.bad > 25:
                self.shut, self.good, self.next_s = True, 0, now_s + 6
        elif started_s == self.probe_s and ok:
            self.good += 1
            self.next_s = now_s
            if self.good == 3:
                self.shut, self.bad = False, 0
        elif started_s == self.probe_s:
            self.good = 0


async def notify_devices(message, queue, store, push):
    for key, token in await store.scan(f"token:{message.user}:"):
        try:
            await push.send(token, message.text)
        except Refused as error:
            if error.status in (429, 503):
                raise
            if error.status != 400:
                await store.delete_if(key, token)
    await queue.ack(message)


class Drain:
    def __init__(self):
        self.window, self.threshold = 1, 10_000

    def calls_per_s(self, now_s, backlog, oldest_s, refused_share):
        if refused_share:
            self.threshold = max(1, self.window / 2)
            self.window = self.threshold
        elif 2 * self.window <= self.threshold:
            self.window *= 2
        else:
            self.window += 1
        return self.window


class Outbound:
    def __init__(self):
        self.codes, self.news, self.next_news = [], [], 0

    def put(self, message):
        getattr(self, "codes" if message.kind == "code" else "news").append(message)

    def take(self, now_s):
        self.codes = [code for code in self.codes if now_s < code.expires_s] if self.codes else []
        if self.codes:
            return self.codes.pop(0)
        while self.next_news < len(self.news):
            self.next_news += 1
            if now_s < self.news[self.next_news - 1].expires_s:
                return self.news[self.next_news - 1]
        return None


def admit(waiting, per_s, critical):
    if critical:
        return waiting < per_s - 3
    return waiting < 0.6 * per_s


trigger = (50, 10)
safe_load_per_s = 33
schedule = [("outage", 0, 1000), ("copy", "m1", 1)]
"""

RIGHT = (
    Right("the course's own", solution("09_failure_modes")),
    Right("equal jitter, states and shares", OTHER),
    Right("errors that leave, three probes, slow start", THIRD),
)

NUMBERS = 'amplification = {"every layer": %r, "outermost only": %r, "10 %% budget": %r}'


def _policy(body: str) -> str:
    return f"""
def next_retry(attempt, error, draw):
    if error.status in (400, 404, 410) or attempt >= 14:
        return None
    wish_s = error.retry_after_s or 0
    {body}
"""


def _breaker(*changes: tuple[str, str]) -> str:
    """Return the course's own breaker with some of its lines changed."""
    source = """
class Breaker:
    def __init__(self):
        self.failures, self.opened_s, self.probe_s = 0, None, None

    def allow(self, now_s):
        if self.opened_s is None:
            return True
        if now_s - self.opened_s < 5:
            return False
        if self.probe_s is not None and now_s - self.probe_s < 2:
            return False
        self.probe_s = now_s
        return True

    def record(self, ok, started_s, now_s):
        if self.opened_s is None:
            self.failures = 0 if ok else self.failures + 1
            if self.failures == 10:
                self.opened_s = now_s
        elif started_s == self.probe_s:
            self.probe_s = None
            self.failures = 0
            self.opened_s = None if ok else now_s
"""
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    return source


def _devices(*changes: tuple[str, str]) -> str:
    """Return the course's own consumer with some of its lines changed."""
    source = """
async def notify_devices(message, queue, store, push):
    all_done = True
    for key, token in await store.scan(f"token:{message.user}:"):
        try:
            await push.send(token, message.text)
        except Refused as error:
            if error.status in (404, 410):
                await store.delete_if(key, token)
            elif error.status != 400:
                all_done = False
        except NoAnswer:
            all_done = False
    if all_done:
        await queue.ack(message)
"""
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new)
    return source


def _drain(body: str, first: str = "1") -> str:
    return f"""
class Drain:
    def __init__(self):
        self.rate = {first}

    def calls_per_s(self, now_s, backlog, oldest_s, refused_share):
        {body}
"""


def _outbound(take: str, put: str = "(self.codes if message.kind == 'code' else self.news).append(message)") -> str:
    return f"""
class Outbound:
    def __init__(self):
        self.codes, self.news = deque(), deque()

    def put(self, message):
        {put}

    def take(self, now_s):
        {take}
"""


def _admit(body: str) -> str:
    return f"\ndef admit(waiting, per_s, critical):\n    {body}\n"


WRONG = (
    # amplification
    Wrong("layers add", "counts_the_calls_at_the_bottom", NUMBERS % (15, 3, 1.61), "Layers multiply"),
    Wrong("five to the third", "counts_the_calls_at_the_bottom", NUMBERS % (125, 3, 1.61), "Layers multiply"),
    Wrong("the others retry too", "counts_the_calls_at_the_bottom", NUMBERS % (243, 243, 1.61), "once"),
    Wrong("tenths add", "counts_the_calls_at_the_bottom", NUMBERS % (243, 3, 1.5), "a tenth"),
    Wrong("nearly 243", "counts_the_calls_at_the_bottom", NUMBERS % (240, 3, 1.61), "does not become 240 calls"),
    Wrong("a text", "counts_the_calls_at_the_bottom", NUMBERS % ("243x", 3, 1.61), "should be a number"),
    Wrong("a list", "counts_the_calls_at_the_bottom", "amplification = [243, 3, 1.61]", "a dictionary with the keys"),
    # timeout_s
    Wrong("twice the mean", "time_out_is_a_quantile", "timeout_s = 0.23", "The mean says nothing"),
    Wrong("the p99", "time_out_is_a_quantile", "timeout_s = sorted(LATENCIES_S)[1980]", "nearly there"),
    Wrong("a default of 30 s", "time_out_is_a_quantile", "timeout_s = 30", "two tries in a row take up to 60 s"),
    Wrong("milliseconds", "time_out_is_a_quantile", "timeout_s = 800", "the caller waits for 2 s"),
    Wrong("a text", "time_out_is_a_quantile", 'timeout_s = "800 ms"', "a number of seconds"),
    Wrong("no number", "time_out_is_a_quantile", 'timeout_s = float("nan")', "two tries in a row"),
    # next_retry, one by one
    Wrong(
        "a 410 is retried",
        "answers_one_by_one",
        """
def next_retry(attempt, error, draw):
    return None if attempt >= 14 or error.status in (400, 404) else draw * min(20, 2**attempt)
""",
        "410 is final",
    ),
    Wrong(
        "everything is retried",
        "answers_one_by_one",
        "def next_retry(attempt, error, draw):\n    return (error.retry_after_s or 0) + draw * min(20, 2**attempt)\n",
        "400 is final",
    ),
    Wrong(
        "the provider's wish is ignored",
        "answers_one_by_one",
        _policy("return draw * min(20, 2**attempt)"),
        "the provider asked for 20 s",
    ),
    Wrong(
        "jitter also below the provider's wish",
        "answers_one_by_one",
        _policy("return draw * (wish_s or min(20, 2**attempt))"),
        "is the least that you wait",
    ),
    Wrong("no cap", "answers_one_by_one", _policy("return wish_s + draw * 2**attempt"), "Put a cap on it"),
    Wrong(
        "a negative wait",
        "answers_one_by_one",
        _policy("return wish_s + min(20, 2**attempt) * (draw - 0.5)"),
        "at least 0",
    ),
    Wrong("a text", "answers_one_by_one", _policy('return f"{draw:.1f} s"'), "a number of seconds"),
    Wrong("a truth", "answers_one_by_one", _policy("return True"), "returned True"),
    Wrong("no end of waiting", "answers_one_by_one", _policy('return float("inf")'), "finite"),
    Wrong(
        "chance from elsewhere",
        "answers_one_by_one",
        "import random\n" + _policy("return wish_s + random.random() * min(20, 2**attempt)"),
        "when it was asked again",
    ),
    Wrong(
        "a wait that it remembers",
        "answers_one_by_one",
        """
last_s = 0.5


def next_retry(attempt, error, draw):
    global last_s
    if error.status in (400, 404, 410) or attempt >= 14:
        return None
    last_s = min(20, 0.5 + draw * (3 * last_s - 0.5))
    return (error.retry_after_s or 0) + last_s
""",
        "variables outside the function",
    ),
    Wrong("a mistake", "answers_one_by_one", _policy("return draw * error.delay"), "AttributeError", "raised"),
    Wrong(
        "a coroutine",
        "answers_one_by_one",
        "async def next_retry(attempt, error, draw):\n    return None\n",
        "`def`, without `async`",
    ),
    Wrong(
        "print without an end",
        "answers_one_by_one",
        'def next_retry(attempt, error, draw):\n    while True:\n        print("again")\n',
        "printed more",
        "over_limit",
    ),
    # next_retry, among callers
    Wrong(
        "no jitter", "no_herd_comes_back", _policy("return wish_s + min(20, 2**attempt / 2)"), "do not depend on `draw`"
    ),
    Wrong(
        "jitter at the edge",
        "no_herd_comes_back",
        _policy("return wish_s + min(20, 2**attempt / 2) * (0.95 + 0.1 * draw)"),
        "too little",
    ),
    Wrong(
        "a tenth of a second of jitter",
        "no_herd_comes_back",
        _policy("return wish_s + min(20, 2**attempt / 2) + draw / 10"),
        "too little",
    ),
    Wrong(
        "exactly as long as asked",
        "no_herd_comes_back",
        _policy("return max(wish_s, draw * min(20, 2**attempt))"),
        "add jitter on top",
    ),
    Wrong("always 10 s", "no_herd_comes_back", _policy("return wish_s + 20 * draw"), "The first wait must be short"),
    Wrong(
        "always one second",
        "no_herd_comes_back",
        _policy("return wish_s + 2 * draw").replace("14", "15"),
        "gave up meanwhile",
    ),
    Wrong(
        "three tries",
        "no_herd_comes_back",
        _policy("return wish_s + draw * min(20, 2**attempt)").replace("14", "3"),
        "the first after 3 tries",
    ),
    Wrong("gives up at once", "no_herd_comes_back", _policy("return None"), "after 1 try"),
    Wrong(
        "never gives up",
        "no_herd_comes_back",
        _policy("return wish_s + draw * min(20, 2**attempt)").replace(" or attempt >= 14", ""),
        "and went on",
    ),
    Wrong(
        "a cap of one second",
        "no_herd_comes_back",
        _policy("return wish_s + draw * min(1, 2**attempt / 10)").replace("14", "50"),
        "15 tries are the most",
    ),
    Wrong(
        "gives up where no answer comes",
        "no_herd_comes_back",
        _policy("return None if error.status is None else wish_s + draw * min(20, 2**attempt)"),
        "it did not answer anybody. 300 of 300 callers gave up",
    ),
    Wrong(
        "gives up on every 429",
        "no_herd_comes_back",
        _policy("return None if error.status == 429 else wish_s + draw * min(20, 2**attempt)"),
        "it answered 429 to all. 300 of 300 callers gave up",
    ),
    Wrong(
        "gives up when asked to wait",
        "no_herd_comes_back",
        _policy("return None if wish_s else draw * min(20, 2**attempt)"),
        "asked each to wait for 5 s. 300 of 300 callers gave up",
    ),
    Wrong(
        "bounds the tries for 503 only",
        "no_herd_comes_back",
        _policy("return wish_s + draw * min(20, 2**attempt)").replace(
            "or attempt >= 14", "or (attempt >= 14 and error.status == 503)"
        ),
        "it answered 429 to all. A caller made 60 tries and went on",
    ),
    Wrong(
        "silence is tried for ever",
        "no_herd_comes_back",
        _policy("return wish_s + draw * min(20, 2**attempt)").replace(
            "or attempt >= 14", "or (attempt >= 14 and error.status)"
        ),
        "it did not answer anybody. A caller made 60 tries and went on",
    ),
    Wrong(
        "tries for ever when asked to wait",
        "no_herd_comes_back",
        _policy("return wish_s + draw * min(20, 2**attempt)").replace(
            "or attempt >= 14", "or (attempt >= 14 and not error.retry_after_s)"
        ),
        "asked each to wait for 5 s. A caller made 60 tries and went on",
    ),
    Wrong(
        "no jitter where no answer comes",
        "no_herd_comes_back",
        _policy("return wish_s + (draw if error.status else 0.5) * min(20, 2**attempt)"),
        "it did not answer anybody. In second",
    ),
    Wrong(
        "no jitter for a 429",
        "no_herd_comes_back",
        _policy("return wish_s + (0.5 if error.status == 429 and not wish_s else draw) * min(20, 2**attempt)"),
        "it answered 429 to all. In second",
    ),
    Wrong(
        "no jitter for a 503 with a wish",
        "no_herd_comes_back",
        _policy("return wish_s + (0.5 if error.status == 503 and wish_s else draw) * min(20, 2**attempt)"),
        "it answered 503 to all and asked each to wait for 5 s. In second",
    ),
    Wrong(
        "equal jitter of a tenth of a second on top of the wish",
        "no_herd_comes_back",
        _policy("return wish_s + (0.5 + draw / 2) * min(20, 0.1 * 2 ** (attempt - 1) if wish_s else 2**attempt)"),
        "There is some jitter, and it is too little",
    ),
    # RetryBudget
    Wrong(
        "always yes",
        "the_bucket_keeps_its_rim",
        """
class RetryBudget:
    def __init__(self, share, burst):
        pass

    def request(self):
        pass

    def may_retry(self):
        return True
""",
        "What takes a token out",
    ),
    Wrong(
        "a share of all requests so far",
        "the_bucket_keeps_its_rim",
        """
class RetryBudget:
    def __init__(self, share, burst):
        self.share, self.tokens = share, burst

    def request(self):
        self.tokens += self.share

    def may_retry(self):
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
""",
        "A bucket has a rim",
    ),
    Wrong(
        "empty at the start",
        "the_bucket_keeps_its_rim",
        """
class RetryBudget:
    def __init__(self, share, burst):
        self.share, self.burst, self.tokens = share, burst, 0

    def request(self):
        self.tokens = min(self.burst, self.tokens + self.share)

    def may_retry(self):
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True
""",
        "full at the start",
    ),
    Wrong(
        "a burst and no refill",
        "the_bucket_keeps_its_rim",
        """
class RetryBudget:
    def __init__(self, share, burst):
        self.left = burst

    def request(self):
        pass

    def may_retry(self):
        self.left -= 1
        return self.left >= 0
""",
        "Each request adds",
    ),
    Wrong(
        "a part of a token is enough",
        "the_bucket_keeps_its_rim",
        """
class RetryBudget:
    def __init__(self, share, burst):
        self.share, self.burst, self.tokens = share, burst, burst

    def request(self):
        self.tokens = min(self.burst, self.tokens + self.share)

    def may_retry(self):
        if self.tokens <= 0:
            return False
        self.tokens -= 1
        return True
""",
        "a whole one",
    ),
    Wrong(
        "never gives its last token",
        "the_bucket_keeps_its_rim",
        """
class RetryBudget:
    def __init__(self, share, burst):
        self.share, self.burst, self.tokens = share, burst, burst

    def request(self):
        self.tokens = min(self.burst, self.tokens + self.share)

    def may_retry(self):
        if self.tokens > 1:
            self.tokens -= 1
            return True
        return False
""",
        "the last one is there to be used",
    ),
    Wrong(
        "never gives its last token after a request",
        "the_bucket_keeps_its_rim",
        """
class RetryBudget:
    def __init__(self, share, burst):
        self.share, self.burst, self.tokens, self.least = share, burst, burst, 0.99

    def request(self):
        self.tokens, self.least = min(self.burst, self.tokens + self.share), 1.001

    def may_retry(self):
        if self.tokens < self.least:
            return False
        self.tokens -= 1
        return True
""",
        "the last one is there to be used",
    ),
    Wrong(
        "one bucket for all objects",
        "the_bucket_keeps_its_rim",
        """
class RetryBudget:
    tokens = [None]

    def __init__(self, share, burst):
        self.share, self.burst = share, burst
        if self.tokens[0] is None:
            self.tokens[0] = burst

    def request(self):
        self.tokens[0] = min(self.burst, self.tokens[0] + self.share)

    def may_retry(self):
        if self.tokens[0] < 1:
            return False
        self.tokens[0] -= 1
        return True
""",
        "did something else than the first",
    ),
    Wrong(
        "no answer",
        "the_bucket_keeps_its_rim",
        "class RetryBudget:\n    def __init__(self, share, burst):\n        pass\n\n"
        "    def request(self):\n        pass\n\n    def may_retry(self):\n        pass\n",
        "Return True or False",
    ),
    Wrong(
        "a method is missing",
        "the_bucket_keeps_its_rim",
        "class RetryBudget:\n    def __init__(self, share, burst):\n        pass\n",
        "has no method `request`",
    ),
    Wrong(
        "a function", "the_bucket_keeps_its_rim", "def RetryBudget(share, burst):\n    return None\n", "has no method"
    ),
    # Breaker, opening
    Wrong(
        "never opens",
        "opens_in_an_outage_only",
        _breaker(("if self.failures == 10", "if self.failures == 10**9")),
        "It never opened",
    ),
    Wrong(
        "opens on the first error",
        "opens_in_an_outage_only",
        _breaker(("if self.failures == 10", "if self.failures == 1")),
        "One failure is no outage",
    ),
    Wrong(
        "counts failures and forgets none",
        "opens_in_an_outage_only",
        _breaker(("0 if ok else self.failures + 1", "self.failures + (not ok)")),
        "let a success count against",
    ),
    Wrong(
        "opens for a tenth of a second",
        "opens_in_an_outage_only",
        _breaker(("< 5", "< 0.02"), ("< 2", "< 0.02")),
        "too short a time",
    ),
    Wrong(
        "half-open lets everybody in",
        "opens_in_an_outage_only",
        """
class Breaker:
    def __init__(self):
        self.failures, self.opened_s = 0, None

    def allow(self, now_s):
        return self.opened_s is None or now_s - self.opened_s >= 2

    def record(self, ok, started_s, now_s):
        self.failures = 0 if ok else self.failures + 1
        if ok:
            self.opened_s = None
        elif self.failures >= 5:
            self.opened_s = now_s
""",
        "each time it is half-open",
    ),
    Wrong("says 0", "opens_in_an_outage_only", _breaker(("return False", "return 0")), "Return True or False"),
    Wrong(
        "record takes two arguments",
        "opens_in_an_outage_only",
        _breaker(("self, ok, started_s, now_s", "self, ok, now_s"), ("started_s", "now_s")),
        "TypeError",
        "raised",
    ),
    Wrong(
        "state of the class",
        "opens_in_an_outage_only",
        """
class Breaker:
    failures, opened_s, probe_s = 0, None, None

    def allow(self, now_s):
        return Breaker.opened_s is None

    def record(self, ok, started_s, now_s):
        Breaker.failures = 0 if ok else Breaker.failures + 1
        if Breaker.failures == 10:
            Breaker.opened_s = now_s
""",
        "did something else than the first",
    ),
    Wrong(
        "a loop without an end",
        "opens_in_an_outage_only",
        _breaker(("return False", "while True:\n                pass")),
        "still running",
        "timed_out",
    ),
    Wrong(
        "opens once in its life",
        "opens_in_an_outage_only",
        _breaker(
            (
                "self.failures, self.opened_s, self.probe_s = 0, None, None",
                "self.failures, self.opened_s, self.probe_s = 0, None, None\n        self.opened = False",
            ),
            (
                "if self.failures == 10:",
                "if self.failures == 10 and not self.opened:\n                self.opened = True",
            ),
        ),
        "in the second outage",
    ),
    # Breaker, recovering
    Wrong(
        "never half-opens",
        "recovers_by_one_probe_at_a_time",
        _breaker(("now_s - self.opened_s < 5", "True")),
        "Once open it stays open",
    ),
    Wrong(
        "the machine's own clock",
        "recovers_by_one_probe_at_a_time",
        "import time\n"
        + _breaker(
            ("def allow(self, now_s):", "def allow(self, now_s):\n        now_s = time.time()"),
            ("self, ok, started_s, now_s):", "self, ok, started_s, now_s):\n        now_s = time.time()"),
        ),
        "the machine's own clock hardly moves",
    ),
    Wrong(
        "everybody may probe at once",
        "recovers_by_one_probe_at_a_time",
        _breaker(
            ("< 5", "< 12"),
            ("        if self.probe_s is not None and now_s - self.probe_s < 2:\n            return False\n", ""),
            ("elif started_s == self.probe_s", "elif started_s > self.opened_s"),
        ),
        "one probe through, and refuses everybody",
    ),
    Wrong(
        "gives a probe half a second",
        "recovers_by_one_probe_at_a_time",
        _breaker(("< 2", "< 0.5")),
        "until that one is answered",
    ),
    Wrong(
        "an old success closes it",
        "recovers_by_one_probe_at_a_time",
        _breaker(("elif started_s == self.probe_s", "elif ok or started_s == self.probe_s")),
        "compare `started_s`",
    ),
    Wrong(
        "a lost probe blocks it for good",
        "recovers_by_one_probe_at_a_time",
        _breaker((" and now_s - self.probe_s < 2", "")),
        "give the place to another probe",
    ),
    Wrong(
        "gives the place of a lost probe away once",
        "recovers_by_one_probe_at_a_time",
        _breaker(
            (
                "        if self.probe_s is not None and now_s - self.probe_s < 2:\n            return False\n",
                "        if self.probe_s is not None:\n            if now_s - self.probe_s < 2 or self.lost:\n"
                "                return False\n            self.lost = True\n",
            ),
            ("self.probe_s = 0, None, None", "self.probe_s, self.lost = 0, None, None, False"),
        ),
        "first three callers that are let through",
    ),
    Wrong(
        "the cool-down doubles without a cap",
        "recovers_by_one_probe_at_a_time",
        _breaker(
            ("self.probe_s = 0, None, None", "self.probe_s, self.wait_s = 0, None, None, 2"),
            ("< 5", "< self.wait_s"),
            (
                "self.opened_s = None if ok else now_s",
                "self.opened_s, self.wait_s = (None, 2) if ok else (now_s, 2 * self.wait_s)",
            ),
        ),
        "put a cap on it",
    ),
    Wrong(
        "a minute of cool-down",
        "recovers_by_one_probe_at_a_time",
        _breaker(("now_s - self.opened_s < 5", "now_s - self.opened_s < 60")),
        "Wait less before the next probe",
    ),
    Wrong(
        "closes, and forgets none of the failures",
        "recovers_by_one_probe_at_a_time",
        _breaker(
            ("            self.failures = 0\n", ""),
            ("0 if ok else self.failures + 1", "max(0, self.failures - ok) if ok else self.failures + 1"),
            (
                "self.opened_s is None:\n            return True",
                "self.opened_s is None and self.failures < 10:\n            return True",
            ),
            ("if now_s - self.opened_s < 5", "if self.opened_s is None or now_s - self.opened_s < 5"),
        ),
        "forgotten when it closes",
    ),
    # notify_devices
    Wrong(
        "removes whatever was refused",
        "removes_dead_tokens_only",
        _devices(("error.status in (404, 410)", "error.status")),
        "Here 400 is always about the text",
    ),
    Wrong(
        "an outage unsubscribes",
        "removes_dead_tokens_only",
        _devices(("error.status in (404, 410)", "error.status != 400")),
        "503 and 429 are about the provider",
    ),
    Wrong(
        "removes what is there now",
        "removes_dead_tokens_only",
        _devices(("store.delete_if(key, token)", "store.delete(key)")),
        "Remove what you read",
    ),
    Wrong(
        "looks once more, then deletes",
        "removes_dead_tokens_only",
        _devices(
            (
                "                await store.delete_if(key, token)",
                "                if await store.get(key) == token:\n                    await store.delete(key)",
            )
        ),
        "must be one request",
    ),
    Wrong(
        "knows APNs only",
        "removes_dead_tokens_only",
        _devices(("error.status in (404, 410)", "error.status == 410"), ("!= 400", "not in (400, 404)")),
        "404 and 410 say that a token",
    ),
    Wrong(
        "keeps dead tokens",
        "removes_dead_tokens_only",
        _devices(("await store.delete_if(key, token)", "pass")),
        "still in the store",
    ),
    Wrong(
        "removes all of the user's tokens",
        "removes_dead_tokens_only",
        _devices(
            (
                "await store.delete_if(key, token)",
                "await store.write(deletes=[k for k, _ in await store.scan(f'token:{message.user}:')])",
            )
        ),
        "and no other",
    ),
    Wrong(
        "acknowledges in an outage",
        "removes_dead_tokens_only",
        _devices(("            elif error.status != 400:\n                all_done = False\n", "")),
        "must not be acknowledged",
    ),
    Wrong(
        "gives up after six deliveries",
        "removes_dead_tokens_only",
        _devices(("if all_done", "if all_done or message.attempt >= 6")),
        "however often it has come",
    ),
    Wrong(
        "gives up after five, with a back-off",
        "removes_dead_tokens_only",
        _devices(
            (
                "    if all_done:\n        await queue.ack(message)",
                "    if all_done or message.attempt >= 5:\n        await queue.ack(message)\n    else:\n"
                "        await queue.nack(message, delay_s=5 * 2**message.attempt)",
            )
        ),
        "however often it has come",
    ),
    Wrong(
        "a prefix without its colon",
        "removes_dead_tokens_only",
        _devices(("{message.user}:", "{message.user}")),
        "with the colon at the end",
    ),
    Wrong(
        "acknowledges what had no answer",
        "removes_dead_tokens_only",
        _devices(("except NoAnswer:\n            all_done = False", "except NoAnswer:\n            pass")),
        "No answer came",
    ),
    Wrong(
        "stops at the first refusal, and is done",
        "removes_dead_tokens_only",
        _devices(
            ("await store.delete_if(key, token)", "await store.delete_if(key, token)\n                break"),
            ('store.scan(f"token:{message.user}:")', 'store.scan(f"token:{message.user}:")[::-1]'),
        )
        .replace("await store.scan", "reversed(await store.scan")
        .replace('")[::-1]:', '")):'),
        "must not keep the others",
    ),
    Wrong(
        "acknowledges first",
        "removes_dead_tokens_only",
        _devices(("    all_done = True", "    all_done = True\n    await queue.ack(message)")),
        "not before",
    ),
    Wrong(
        "a bad text comes again and again",
        "removes_dead_tokens_only",
        _devices(("elif error.status != 400", "else")),
        "this text will never be shown",
    ),
    Wrong(
        "every user's devices",
        "removes_dead_tokens_only",
        _devices(('f"token:{message.user}:"', '"token:"')),
        "no message asked for that",
    ),
    Wrong(
        "a plain function",
        "removes_dead_tokens_only",
        "def notify_devices(message, queue, store, push):\n    return None\n",
        "`async def notify_devices(...)`",
    ),
    Wrong(
        "chance decides",
        "removes_dead_tokens_only",
        "import random\n"
        + _devices(
            (
                "    all_done = True",
                "    all_done = random.random() < 2\n    if random.random() < 0.5:\n        await store.get('x')",
            )
        ),
        "two different things",
    ),
    # Drain
    Wrong(
        "everything at once",
        "drains_without_a_second_collapse",
        _drain("return 1 if refused_share == 1 else backlog"),
        "it collapsed for 30 s",
    ),
    Wrong(
        "the more waits, the harder",
        "drains_without_a_second_collapse",
        _drain("return 2 if refused_share == 1 else 25 + backlog / 100"),
        "it collapsed for 30 s",
    ),
    Wrong(
        "goes on as if nothing had happened",
        "drains_without_a_second_collapse",
        _drain("return 50"),
        "a few a second are enough",
    ),
    Wrong(
        "never faster than messages come",
        "drains_without_a_second_collapse",
        _drain("return 1 if refused_share == 1 else 25"),
        "while 25 a second came",
    ),
    Wrong(
        "a steady 50/s",
        "drains_without_a_second_collapse",
        _drain("return 1 if refused_share == 1 else 50"),
        "What is not refused can be more",
    ),
    Wrong(
        "a steady 100/s",
        "drains_without_a_second_collapse",
        _drain("return 1 if refused_share == 1 else 100"),
        "more than twice its limit",
    ),
    Wrong(
        "a steady 60/s",
        "drains_without_a_second_collapse",
        _drain("return 1 if refused_share == 1 else 60"),
        "go down by more than",
    ),
    Wrong(
        "triples without a bound",
        "drains_without_a_second_collapse",
        _drain("self.rate = 1 if refused_share else 3 * self.rate\n        return self.rate"),
        "more than twice its limit",
    ),
    Wrong(
        "up, and hardly ever down",
        "drains_without_a_second_collapse",
        _drain(
            "self.rate = 1 if refused_share == 1 else self.rate + (1 if refused_share < 0.4 else -1)\n        return "
            "self.rate"
        ),
        "go down by more than",
    ),
    Wrong(
        "down, and never up again",
        "drains_without_a_second_collapse",
        _drain("self.rate = max(1, self.rate * (1 - refused_share))\n        return self.rate", "60"),
        "As long as nothing is refused, go up",
    ),
    Wrong(
        "up by a tenth of a call a second",
        "drains_without_a_second_collapse",
        _drain("self.rate = max(1, self.rate / 2) if refused_share else self.rate + 0.1\n        return self.rate"),
        "how fast must you go up",
    ),
    Wrong("a text", "drains_without_a_second_collapse", _drain('return "50/s"'), "the number of calls"),
    Wrong("a negative pace", "drains_without_a_second_collapse", _drain("return 25 - backlog"), "at least 0"),
    Wrong("nothing", "drains_without_a_second_collapse", _drain("self.rate += 1"), "returned None"),
    Wrong(
        "chance decides",
        "drains_without_a_second_collapse",
        "import random\n" + _drain("return 1 if refused_share else random.randint(20, 60)"),
        "leave `random` and the clock out",
    ),
    # Outbound
    Wrong(
        "one line",
        "urgent_first_and_nothing_expired",
        _outbound(
            "while self.news:\n            message = self.news.popleft()\n            if now_s < message.expires_s:\n"
            "                return message",
            "self.news.append(message)",
        ),
        "Let codes pass the news",
    ),
    Wrong(
        "sends what has expired",
        "urgent_first_and_nothing_expired",
        _outbound("return self.codes.popleft() if self.codes else self.news.popleft() if self.news else None"),
        "that expired in second",
    ),
    Wrong(
        "the newest first",
        "urgent_first_and_nothing_expired",
        _outbound(
            "while self.news:\n            message = self.news.pop()\n            if now_s < message.expires_s:\n"
            "                return message",
            "self.news.append(message)",
        ),
        "in the order in which they came",
    ),
    Wrong(
        "drops what is older than a minute",
        "urgent_first_and_nothing_expired",
        _outbound(
            "for line in (self.codes, self.news):\n            while line:\n                message = line.popleft()\n"
            "                if now_s < message.expires_s and now_s - message.created_s < 60:\n"
            "                    return message"
        ),
        "Old is not expired",
    ),
    Wrong(
        "looks at the expiry of codes only",
        "urgent_first_and_nothing_expired",
        _outbound(
            "while self.codes:\n            message = self.codes.popleft()\n            if now_s < message.expires_s:\n"
            "                return message\n        return self.news.popleft() if self.news else None"
        ),
        "returned news that expired",
    ),
    Wrong(
        "one lifetime for each kind, written down",
        "urgent_first_and_nothing_expired",
        _outbound(
            "for line, lives_s in ((self.codes, 60), (self.news, 86_400)):\n            while line:\n"
            "                message = line.popleft()\n                if now_s < message.created_s + lives_s:\n"
            "                    return message"
        ),
        "each message has its own",
    ),
    Wrong(
        "codes are dropped after 30 s",
        "urgent_first_and_nothing_expired",
        _outbound(
            "while self.codes:\n            message = self.codes.popleft()\n"
            "            if now_s < min(message.expires_s, message.created_s + 30):\n                return message\n"
            "        while self.news:\n            message = self.news.popleft()\n"
            "            if now_s < message.expires_s:\n                return message"
        ),
        "Old is not expired",
    ),
    Wrong(
        "lines of the class",
        "urgent_first_and_nothing_expired",
        _outbound(
            "for line in (self.codes, self.news):\n            while line:\n                message = line.popleft()\n"
            "                if now_s < message.expires_s:\n                    return message"
        ).replace(
            "    def __init__(self):\n        self.codes, self.news = deque(), deque()\n",
            "    codes, news = deque(), deque()\n",
        ),
        "did something else than the first",
    ),
    Wrong(
        "has room for ten thousand",
        "urgent_first_and_nothing_expired",
        _outbound(
            "for line in (self.codes, self.news):\n            while line:\n                message = line.popleft()\n"
            "                if now_s < message.expires_s:\n                    return message",
            "(self.codes if message.kind == 'code' else self.news).append(message)\n"
            "        if len(self.news) > 10_000:\n            self.news.popleft()",
        ),
        "Old is not expired",
    ),
    Wrong(
        "news first",
        "urgent_first_and_nothing_expired",
        _outbound(
            "for line in (self.news, self.codes):\n            while line:\n                message = line.popleft()\n"
            "                if now_s < message.expires_s:\n                    return message"
        ),
        "A one-time code that came",
    ),
    Wrong(
        "gives the id",
        "urgent_first_and_nothing_expired",
        _outbound("return self.news.popleft().id if self.news else None"),
        "one of the messages that were put in",
    ),
    Wrong(
        "looks and does not take out",
        "urgent_first_and_nothing_expired",
        _outbound("return self.codes[0] if self.codes else self.news[0] if self.news else None"),
        "which had left",
    ),
    Wrong(
        "changes a message",
        "urgent_first_and_nothing_expired",
        _outbound("return None", "message.seen = True\n        self.news.append(message)"),
        "AttributeError",
        "raised",
    ),
    # admit
    Wrong("everybody", "sheds_what_would_be_late", _admit("return True"), "work for nobody"),
    Wrong("nobody", "sheds_what_would_be_late", _admit("return False"), "none need be"),
    Wrong(
        "a short queue for all", "sheds_what_would_be_late", _admit("return waiting < 5"), "A burst waits for a moment"
    ),
    Wrong("a long queue", "sheds_what_would_be_late", _admit("return waiting < 1000"), "work for nobody"),
    Wrong(
        "a number where a time belongs",
        "sheds_what_would_be_late",
        _admit("return waiting < (90 if critical else 50)"),
        "at this `per_s`",
    ),
    Wrong(
        "numbers for two servers",
        "sheds_what_would_be_late",
        _admit("return waiting < (38 if critical else 30)"),
        "to a server that can do 20",
    ),
    Wrong(
        "exactly as much as the server does in a second",
        "sheds_what_would_be_late",
        _admit("return waiting <= per_s"),
        "work for nobody",
    ),
    Wrong("all alike", "sheds_what_would_be_late", _admit("return waiting < 0.9 * per_s"), "Keep room for them"),
    Wrong("critical ones only", "sheds_what_would_be_late", _admit("return critical"), "none need be"),
    Wrong(
        "chance decides",
        "sheds_what_would_be_late",
        "import random\n" + _admit("return waiting < 0.3 * per_s or (critical and random.random() < 0.9)"),
        "decided otherwise",
    ),
    Wrong("a number", "sheds_what_would_be_late", _admit("return waiting / per_s"), "Return True or False"),
    # trigger and safe load
    Wrong("too small", "stays_down_after_its_trigger", "trigger = (30, 2)", "it was never down"),
    Wrong("within what is to spare", "stays_down_after_its_trigger", "trigger = (20, 10)", "it was never down"),
    Wrong("too large", "stays_down_after_its_trigger", "trigger = (200, 10)", "500 are allowed"),
    Wrong("too long", "stays_down_after_its_trigger", "trigger = (25, 20)", "within 10 s"),
    Wrong("one number", "stays_down_after_its_trigger", "trigger = 200", "two numbers above 0"),
    Wrong("texts", "stays_down_after_its_trigger", 'trigger = ("50/s", "4 s")', "two numbers above 0"),
    Wrong("what it can do", "knows_the_safe_load", "safe_load_per_s = 100", "every request comes three times"),
    Wrong("half of it", "knows_the_safe_load", "safe_load_per_s = 50", "every request comes three times"),
    Wrong("just above a third", "knows_the_safe_load", "safe_load_per_s = 34", "every request comes three times"),
    Wrong("to be safe", "knows_the_safe_load", "safe_load_per_s = 10", "servers that you do not need"),
    Wrong("a text", "knows_the_safe_load", 'safe_load_per_s = "33/s"', "a number of requests/s"),
    Wrong("no number", "knows_the_safe_load", 'safe_load_per_s = float("nan")', "a number of requests/s"),
    # review
    Wrong("no fault", "breaks_the_colleague", "schedule = []", "not lost"),
    Wrong("a minute", "breaks_the_colleague", 'schedule = [("outage", 0, 60)]', "how long must the trouble last"),
    Wrong("a poison message", "breaks_the_colleague", 'schedule = [("poison", "m1")]', "lost to nobody"),
    Wrong("a dead worker", "breaks_the_colleague", 'schedule = [("crash", "m1", 1, 1)]', "not lost"),
    Wrong("an unknown fault", "breaks_the_colleague", 'schedule = [("earthquake", 0, 60)]', "the kinds are"),
    Wrong("no list", "breaks_the_colleague", 'schedule = "outage"', "a list of faults"),
)
