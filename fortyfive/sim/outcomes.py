"""What becomes of many messages under a consumer: shown once, shown more than once, never shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fortyfive.scenario.draws import Draws
from fortyfive.scenario.faults import Fault
from fortyfive.sim.scenes import Scene, Schedule
from fortyfive.sim.services import PUSH_NS, QUEUE_NS, STORE_NS
from fortyfive.sim.world import MILLISECOND

# One run is one stretch of traffic; many small ones keep the faults of one message from meeting those of another.
MESSAGES_A_RUN = 100
USUAL_MS = {"queue": QUEUE_NS // MILLISECOND, "store": STORE_NS // MILLISECOND, "push": PUSH_NS // MILLISECOND}


@dataclass(frozen=True)
class Outcomes:
    """How many messages of all were never shown, and how many more than once."""

    messages: int
    lost: int
    repeated: int


def outcomes(
    consumer: Callable[..., Any],
    *,
    messages: int = 10_000,
    crash_percent: float = 1,
    copy_percent: float = 1,
    seed: int = 6,
) -> Outcomes:
    """Return what becomes of `messages` under a consumer `(message, queue, store, push)` and random faults.

    In `crash_percent` of the messages the worker of the first delivery dies, at any moment of its work alike; of
    `copy_percent` the queue delivers a second copy within a tenth of a second.
    """
    scene = Scene("consumer", ("queue", "store", "push"), (), workers=4)
    namespace = {"consumer": consumer}
    moments = _moments(scene, namespace)
    draws = Draws(seed)
    lost = repeated = 0
    runs = -(-messages // MESSAGES_A_RUN)
    for number in range(runs):
        faults: list[Fault] = []
        for message in range(1, MESSAGES_A_RUN + 1):
            if draws.chance(round(crash_percent * 100), 10_000):
                faults.append(("crash", f"m{message}", 1, draws.choice(moments)))
            if draws.chance(round(copy_percent * 100), 10_000):
                faults.append(("copy", f"m{message}", draws.below(100) / 1_000))
        run = scene.run(Schedule(number, MESSAGES_A_RUN, tuple(faults)), lambda: namespace)
        times = Counter(text for _, _, _, text in run.push.sent)
        lost += MESSAGES_A_RUN - len(times)
        repeated += sum(count > 1 for count in times.values())
    return Outcomes(runs * MESSAGES_A_RUN, lost, repeated)


def _moments(scene: Scene, namespace: dict[str, Any]) -> list[int]:
    """Return for each millisecond of a consumer's work how many of its effects are done by then.

    A request has its effect when it is answered, and takes its usual time here.
    """
    history = scene.run(Schedule(0, 1), lambda: namespace).history
    services = [step[2] for step in history if step[1] == "worker 1"]
    return [done for done, service in enumerate(services) for _ in range(USUAL_MS[service])]


@dataclass(frozen=True)
class Order:
    """How many messages there were, and how many were shown after a later one of the same user."""

    messages: int
    overtaken: int


def order(
    *, messages: int = 2_000, workers: int = 4, gap_s: float = 0.05, crash_percent: float = 0, seed: int = 6
) -> Order:
    """Return how many messages are overtaken by a later one of the same user, each acknowledged after its effect."""

    async def consumer(message: Any, queue: Any, push: Any) -> None:
        await push.send(message.device, message.text)
        await queue.ack(message)

    scene = Scene("consumer", ("queue", "push"), (), workers=workers, gap_s=gap_s)
    draws = Draws(seed)
    numbers = [number for number in range(1, messages + 1) if draws.chance(round(crash_percent * 100), 10_000)]
    faults = tuple(("crash", f"m{number}", 1, 0) for number in numbers)
    run = scene.run(Schedule(seed, messages, faults), lambda: {"consumer": consumer})
    newest: dict[str, int] = {}
    overtaken = 0
    for _, _, device, text in run.push.sent:
        number = int(text.split()[1])
        overtaken += number < newest.get(device, 0)
        newest[device] = max(number, newest.get(device, 0))
    return Order(messages, overtaken)
