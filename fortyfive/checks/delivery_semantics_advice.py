"""From a broken promise to where the learner should look: the misconception that the smallest schedule gives away."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from fortyfive.sim.scenes import Schedule
from fortyfive.sim.world import SECOND

ADVICE = {
    "comes_to_an_end": "A loop that asks again and again never lets its worker take another message. Return instead: "
    "the message comes back after its visibility time-out.",
    "only_what_was_asked": "Show `message.text` on `message.device`, as they are.",
    "all_acknowledged": "Whoever finds that a message is done, or can never be done, acknowledges it.",
    "permanent_errors_end": "400 and 410 are final: asking again gives the same answer. Acknowledge such a message, "
    "and do it at once.",
    "others_have_their_turn": "A text that is refused is no reason to leave the rest of the batch: go on with the "
    "next.",
    "asks_in_measure": "Leave the message to its visibility time-out, or give it back with a delay of some seconds.",
    "was_acknowledged": "Acknowledge when all parts are done.",
    "every_request_recorded": "Write `request:ID` to the store before you return.",
    "every_record_announced": "What was recorded and not published must be found again by the relay. Write the wish to "
    "publish in the same `store.write` as the record, and delete it only after publishing.",
    "announced_once": "Delete what has been published, and do not publish it in `accept` as well.",
    "outbox_is_emptied": "Delete a row once it is published.",
    "work_is_done": "Do every part, 0 to `job.parts` - 1, and acknowledge only then.",
    "back_in_time": "An extension is counted from now, and a dead worker cannot take it back: extend by what the next "
    "part needs, not by what the whole job needs.",
}


def advise(invariant: str, schedule: Schedule, history: Sequence[Any]) -> str:
    """Return the advice for the smallest schedule that breaks an invariant."""
    kinds = {fault[0] for fault in schedule.faults}
    verbs = [step[3] for step in history]
    if invariant == "comes_to_an_end" and "nack" in verbs:
        return (
            "You gave the message back without a delay, so it was at once yours again. Give it back with `delay_s`, or "
            "return and leave it to its visibility time-out."
        )
    if invariant == "all_acknowledged" and "nack" in verbs and "ack" not in verbs:
        return "`nack` gives a message back. What is done is removed with `ack`."
    match invariant:
        case "nothing_lost":
            return _about_a_loss(verbs, kinds)
        case "no_needless_repeat":
            return _about_a_repeat(verbs, kinds, history)
        case "counted_once":
            return _about_the_count(verbs, kinds, history)
        case "nothing_announced_early":
            requested = {step[4][0] for step in history if step[3] == "request"}
            if any(step[4][0] not in requested for step in history if step[3] == "publish"):
                return "Publish under the request's own id, so that a repeat can be recognised."
            return "Record first. What is published can be acted on at once, and the record may never come."
        case "work_is_not_doubled":
            if "extend" not in verbs:
                return "Nobody told the queue that the worker is alive: extend the visibility while you work."
            return "A part takes up to 8 s. Extend by more than that, and before each part."
    return ADVICE.get(invariant, "Follow the picture line by line.")


def _about_a_loss(verbs: Sequence[str], kinds: set[str]) -> str:
    if kinds & {"outage", "throttle"}:
        return "503 and 429 pass. What they refused must not be acknowledged: it comes back."
    if kinds & {"no answer", "lost"} and "ack" in verbs:
        return "No answer came, and it was acknowledged all the same. Who knows then that the push has to be sent?"
    if "send" not in verbs or "ack" in verbs[: verbs.index("send")]:
        noted = {"put", "put_if_absent", "write", "add"} & set(verbs)
        if noted and "ack" not in verbs:
            return (
                "The claim of a worker that is gone keeps everybody else away for too long. Let it end by itself, soon "
                "after a sending is surely over."
            )
        if noted:
            return (
                "The note was made before the push was sent, and the worker is gone. Whoever comes next takes the "
                "note for a finished push. Let the claim end by itself, and note what is done under another key, "
                "afterwards."
            )
        return "The acknowledgement came before the effect: from then on the queue has forgotten the message."
    return "Who acknowledged it, and had it been shown by then?"


def _about_a_repeat(verbs: Sequence[str], kinds: set[str], history: Sequence[Any]) -> str:
    keys = _keys(history)
    if _names_the_delivery(keys):
        return NOT_THE_DELIVERY
    if not keys and "copy" not in kinds and verbs.count("send") > 2:
        return "One fault repeated several messages: acknowledge each right after its own effect, not all at the end."
    if not keys:
        return (
            "Nothing remembers that the text was shown. Which key of the store would tell a repeat from a first time?"
        )
    if _came_late(history):
        return (
            "The copy came after your note had expired: the note that it is done must outlive every copy that can "
            "still arrive."
        )
    if "put_if_absent" in verbs and not {"put", "write"} & set(verbs):
        return (
            "The lease was over and nothing else noted that the text was sent. A lease may end; the note that it is "
            "done must outlive every copy that can still arrive."
        )
    if "put_if_absent" in verbs or "write" in verbs:
        return (
            "A claim keeps others away, and only for a time. Look whether the text was sent after you have the claim, "
            "not before; and give a claim more time than a sending takes."
        )
    return (
        "Two workers asked before either had noted anything. The question and the note must be one request: claim with "
        "`put_if_absent`."
    )


def _about_the_count(verbs: Sequence[str], kinds: set[str], history: Sequence[Any]) -> str:
    if not kinds and "add" not in verbs and "write" not in verbs:
        return "Nothing was counted. `await store.write(..., adds={key: 1})` counts."
    if not kinds and verbs.count("deliver") == 1:
        return "Nothing failed, and only one message came: look at the key and at the amount. `message.user` is a name."
    if _names_the_delivery(_keys(history)):
        return NOT_THE_DELIVERY
    if not _keys(history) and "add" in verbs:
        return "Nothing remembers that it was counted. Which key of the store would tell a repeat from a first time?"
    counted = [number for number, verb in enumerate(verbs) if verb in ("add", "write", "put", "put_if_absent")]
    if "ack" in verbs and verbs.index("ack") < min(counted, default=len(verbs)):
        return "The acknowledgement came before the count: from then on the queue has forgotten the message."
    if _came_late(history):
        return "The copy came after your note had expired: a note must outlive every copy that can still arrive."
    if kinds <= {"late"}:
        return (
            "Read, add and write back are three steps, and another message of the same user may come between: `adds` "
            "adds."
        )
    if not kinds & {"crash", "no answer", "lost"}:
        return (
            "Two workers asked before either had noted anything, or nothing was noted at all. Note and count must be "
            "one request: `store.write` with `if_absent`."
        )
    if not {"add", "put", "put_if_absent"} & set(verbs):
        return "Note and count are one write, and it was done twice: name the note's own key in `if_absent`."
    return (
        "The worker was cut off between the note and the count. Make them one request: `store.write` with `if_absent`."
    )


NOT_THE_DELIVERY = (
    "The key is made of the receipt or the attempt, which are new with each delivery. Recognise the message, by its id."
)


def _keys(history: Sequence[Any]) -> set[str]:
    """Return the keys of the store under which something was asked for or noted."""
    noted = [step[4] for step in history if step[2] == "store" and step[3] != "add"]
    return {str(key) for keys in noted for key in keys[:1]}


def _names_the_delivery(keys: set[str]) -> bool:
    """Whether a key holds a receipt, or two keys of the one message differ in their last digit, as attempts do."""
    stems = [key[:-1] for key in keys if key[-1:].isdecimal() and "m1" in key[:-1]]
    return any("#" in key for key in keys) or len(set(stems)) < len(stems)


def _came_late(history: Sequence[Any]) -> bool:
    """Whether a second copy came after everything had been quiet for most of a minute."""
    return any(
        later[3] == "a second copy" and later[0] - earlier[0] > 50 * SECOND for earlier, later in pairwise(history)
    )
