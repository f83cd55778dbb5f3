"""What the tests of the simulator share: consumers, a scene, and how to run one in it."""

from hashlib import sha256

from fortyfive.grading.child import _loader
from fortyfive.sim import invariants
from fortyfive.sim.hunt import Plan, random_schedule
from fortyfive.sim.scenes import Scene, Schedule

PROMISES = (
    invariants.comes_to_an_end,
    invariants.only_what_was_asked,
    invariants.nothing_lost,
    invariants.no_needless_repeat,
    invariants.all_acknowledged,
)
SCENE = Scene("notify", ("queue", "store", "push"), PROMISES)

CLAIM = """
async def notify(message, queue, store, push):
    if await store.put_if_absent("claim:" + message.id, message.receipt, ttl_s=60):
        if await store.get("sent:" + message.id) is None:
            await push.send(message.device, message.text)
            await store.put("sent:" + message.id, True)
        await queue.ack(message)
    elif await store.get("sent:" + message.id):
        await queue.ack(message)
"""
NAIVE = """
async def notify(message, queue, store, push):
    await push.send(message.device, message.text)
    await queue.ack(message)
"""


def load(source):
    return _loader(source, "<test>")


def consumer(*lines, head=""):
    """The source of a consumer with these lines as its body."""
    body = "\n".join(f"    {line}" for line in lines)
    return f"{head}\nasync def notify(message, queue, store, push):\n{body}\n"


def run(source, *faults, messages=1, seed=0, scene=SCENE):
    return scene.run(Schedule(seed, messages, faults), load(source))


def steps(of, *verbs):
    """The steps of a history as (who, verb), all or only those with these verbs."""
    return [(who, what) for _, who, _, what, _, _ in of.history if not verbs or what in verbs]


PLAN = Plan(messages=4, faults=3, kinds=("crash", "no answer", "lost", "slow", "copy", "late", "cut off", "outage"))


def digest(count):
    """A hash over the histories of `count` random schedules of two consumers."""
    found = sha256()
    names = {source: load(source)() for source in (CLAIM, NAIVE)}
    for number in range(count):
        source = NAIVE if number % 4 else CLAIM
        history = SCENE.run(random_schedule(number, PLAN, 5), lambda source=source: names[source]).history
        found.update(repr(history).encode())
    return found.hexdigest()
