"""Exercise 09's world of device tokens, which end and are registered anew, and what must hold in it whatever fails."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any

from fortyfive.grading.child import Load
from fortyfive.sim.hunt import Plan
from fortyfive.sim.invariants import all_acknowledged, comes_to_an_end
from fortyfive.sim.scenes import USERS, Run, Scene, Schedule, excuses
from fortyfive.sim.services import GONE, Push, Store
from fortyfive.sim.story import brief
from fortyfive.sim.world import MILLISECOND, Refused, effect

DEVICES = ("phone", "tablet", "watch")
# The watch of each user was sold long ago; a phone whose token ends registers again.
SOLD, REGISTERS = "watch", "phone"
REGISTERS_AFTER_NS = 100 * MILLISECOND
NOT_REGISTERED = 404

# Ana and Cleo are reached by a provider that answers 410, Ben and Dev by one that answers 404.
PROVIDERS = {"ana": "apns", "anabel": "apns", "ben": "fcm", "cleo": "apns", "dev": "fcm"}
# Nobody writes to her. Her keys begin like Ana's, up to the colon.
NAMESAKES_PHONE = "anabel-phone"


def key_of(device: str) -> str:
    """Return the key of the store under which a device such as "ana-phone" is registered."""
    user, _, kind = device.partition("-")
    return f"token:{user}:{kind}"


def token_of(device: str, number: int) -> str:
    """Return the token of a device's first registration, second, and so on."""
    return f"{PROVIDERS[device.partition('-')[0]]}-{device}-{number}"


class Registry(Store):
    """A store that can also remove a key on condition."""

    def delete_if(self, key: str, value: object) -> Awaitable[bool]:
        """Remove a key if it still holds that value; return whether it did."""
        return effect(self._request(self._delete_if, "delete_if", key, self._copied(value, "delete_if")))

    def _delete_if(self, key: str, value: object) -> bool:
        found = self._get(key)
        held = found is not None and found == value
        if held:
            self._delete(key)
        return held


class Providers(Push):
    """Two push providers: for a token that is not active any more one answers 410, the other 404."""

    def _refusal(self, device: str, text: str) -> int:
        status = super()._refusal(device, text)
        if status == GONE and device.startswith("fcm-"):
            self.refused.append((self._world.now_ns, device, text, NOT_REGISTERED))
            raise Refused(NOT_REGISTERED, "the token is not registered")
        return status


class TokenRun(Run):
    """Workers that push each message to all devices of its user, by the tokens in the store."""

    def services(self) -> dict[str, Any]:
        """Return the services, with a store that can remove on condition."""
        self.store = Registry(self.world)
        self.push = Providers(self.world)
        return super().services()

    def _plant(self) -> dict[str, int]:
        late = super()._plant()
        ends, self.push.gone = self.push.gone, {}
        self.active: dict[str, str] = {}
        """For each device the token by which it can be reached, as long as there is one."""
        for device in (*(f"{user}-{kind}" for user in USERS for kind in DEVICES), NAMESAKES_PHONE):
            token = self.store.values[key_of(device)] = token_of(device, 1)
            if device.endswith(SOLD):
                self.push.gone[token] = 0
                continue
            self.active[device] = token
            if device in ends:
                self.push.gone[token] = ends[device]
                self.world.at(ends[device], self._ends, device)
        return late

    def _ends(self, device: str) -> None:
        del self.active[device]
        if device.endswith(REGISTERS):
            self.world.at(self.world.now_ns + REGISTERS_AFTER_NS, self._registers, device)

    def _registers(self, device: str) -> None:
        token = self.active[device] = self.store.values[key_of(device)] = token_of(device, 2)
        self.history.append((self.world.now_ns, device, "store", "put", (key_of(device), token), None))


@dataclass(frozen=True)
class TokenScene(Scene):
    """A scene whose messages go to all devices of a user."""

    def run(self, schedule: Schedule, load: Load) -> Run:
        """Carry out a schedule; see `Scene.run`."""
        return TokenRun(self, schedule, load).go()


def sent_to_its_user(run: Run) -> str:
    """A text goes to the devices of the user whom it is meant for, and to no other."""
    users = {fields.text: fields.user for fields in run.queue.bodies.values()}
    for _, machine, token, text in run.push.sent:
        if text not in users or f"-{users[text]}-" not in token:
            return f"{machine} sent {brief(text)} to {brief(token)}, and no message asked for that."
    return ""


def living_tokens_stay(run: Run) -> str:
    """A token by which a device can be reached stays in the store."""
    assert isinstance(run, TokenRun)
    for device, token in run.active.items():
        found = run.store.values.get(key_of(device))
        if found != token:
            kept = "nothing is left" if found is None else f"{brief(found)} stands"
            return (
                f"{device} is registered with the token {token}, which is active, and {kept} under `{key_of(device)}`: "
                "it gets no push any more."
            )
    return ""


def reaches_every_device(run: Run) -> str:
    """Every device whose token stays active is sent every text of its user, unless the text is refused for good."""
    assert isinstance(run, TokenRun)
    sent = {(token, text) for _, _, token, text in run.push.sent}
    for message_id, fields in run.queue.bodies.items():
        if message_id in run.poisoned:
            continue
        for device, token in run.active.items():
            # What was registered in the middle of the run may have come too late for a message.
            if device.startswith(f"{fields.user}-") and token.endswith("-1") and (token, fields.text) not in sent:
                where = "was acknowledged" if message_id in run.queue.acked else "was not acknowledged either"
                return f"{message_id} never reached {device}, whose token {token} is active, and it {where}."
    return ""


def dead_tokens_leave(run: Run) -> str:
    """A token that was answered with 404 or 410 is not in the store any more."""
    refused = dict.fromkeys(token for _, token, _, status in _permanently(run))
    left = [token for token in refused if token in run.store.values.values()]
    if len(left) > excuses(run):
        status = next(status for _, token, _, status in _permanently(run) if token == left[0])
        return f"{left[0]} was answered with {status}, and it is still in the store: the next message goes to it again."
    return ""


def _permanently(run: Run) -> list[tuple[int, str, str, int]]:
    return [one for one in run.push.refused if one[3] in (GONE, NOT_REGISTERED)]


TOKENS = TokenScene(
    "notify_devices",
    ("queue", "store", "push"),
    (comes_to_an_end, sent_to_its_user, living_tokens_stay, reaches_every_device, dead_tokens_leave, all_acknowledged),
)

# A token may end before, while and after the first message is sent; what a worker read is then an old one.
ENDS = tuple((("gone", "ana-phone", start / 20),) for start in range(8))
PLAN = Plan(
    count=300,
    messages=8,
    faults=3,
    kinds=("crash", "no answer", "lost", "slow", "late", "poison", "gone", "outage", "throttle"),
    whole_run=(
        *ENDS,
        (("gone", "ben-phone", 0.1),),
        (("gone", "ana-tablet", 0.1),),
        (("poison", "m1"),),
        (("outage", 0, 1),),
        (("outage", 0.15, 20),),
        (("throttle", 0, 1),),
        (("throttle", 0.15, 20),),
        # Longer than any count of deliveries: who gives up by one loses what would have been sent.
        (("outage", 0.15, 600),),
        (("throttle", 0.15, 600),),
    ),
)

ADVICE = {
    "comes_to_an_end": "A loop that asks again and again never lets its worker take another message. Return instead: "
    "the message comes back after its visibility time-out.",
    "sent_to_its_user": "Send `message.text`, as it is, to the tokens under `token:USER:`, with the colon at the end.",
    "dead_tokens_leave": "404 and 410 say that a token is of no use any more: remove it, with `delete_if`.",
    "all_acknowledged": "When every device was sent to, or refused for good, the message is done: acknowledge it.",
}


def advise(invariant: str, schedule: Schedule, history: Sequence[Any]) -> str:
    """Return where to look, for the smallest schedule that breaks an invariant."""
    kinds = {fault[0] for fault in schedule.faults}
    verbs = [step[3] for step in history]
    match invariant:
        case "living_tokens_stay":
            return _about_a_living_token(kinds, verbs)
        case "reaches_every_device":
            return _about_a_miss(kinds, verbs)
        case "all_acknowledged" if "poison" in kinds:
            return (
                "400 says that this text will never be shown: the message is done, and the tokens are as good as "
                "before."
            )
    return ADVICE.get(invariant, "Follow the picture line by line.")


def _about_a_living_token(kinds: set[str], verbs: Sequence[str]) -> str:
    if "poison" in kinds:
        return "Here 400 is always about the text. It says nothing about the token."
    if kinds & {"outage", "throttle"}:
        return "503 and 429 are about the provider, and they pass. They say nothing about the token."
    if "gone" not in kinds:
        return "Remove the one token that was refused, under its own key, and no other."
    if "get" in verbs or verbs.count("scan") > 1:
        return (
            "Between looking once more and deleting, the phone registered. Question and deletion must be one request: "
            "`delete_if`."
        )
    return (
        "The phone registered again while the push to its old token was under way. Remove what you read, not what is "
        "there now: `store.delete_if(key, token)`."
    )


def _about_a_miss(kinds: set[str], verbs: Sequence[str]) -> str:
    if "send" not in verbs and "ack" not in verbs:
        return 'The tokens of a user are in the store: `await store.scan(f"token:{message.user}:")`.'
    if kinds & {"outage", "throttle"}:
        return (
            "503 and 429 pass, sooner or later. A message of which a device was refused so must not be acknowledged, "
            "however often it has come: it comes again."
        )
    if kinds & {"no answer", "lost"}:
        return "No answer came, and it was acknowledged all the same. Who knows then that the push has to be sent?"
    if not kinds or kinds <= {"gone", "poison"}:
        return "One refused device must not keep the others from theirs: catch `Refused` for each, and go on."
    return "Acknowledge when all devices are done, not before."
