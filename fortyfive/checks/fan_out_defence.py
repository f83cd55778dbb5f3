"""How a defence in prose is judged: each number in it is quoted, and compared with what the model gives."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fortyfive.grading.report import Failure

if TYPE_CHECKING:
    from fortyfive.flow.fan_out import Cost
    from fortyfive.numbers.prose import Mention

MAX_CHARS = 1_500
SENTENCES = (2, 6)
TIME_TOLERANCE = 0.1
# A threshold in prose is rounded ("about 3,600"); a change of less than this is no other threshold.
SAME_THRESHOLD = 0.02
# What the task itself states, and a defence may repeat: the promises, the workload and one worker's rate.
PROMISE_S, PROMISE_LOOKUPS = 10.0, 8
KNOWN_RATES_PER_S = (5.0, 325.0, 500.0, 100.0)

_FUNCTION_WORDS = frozenset(
    """a an and are as at be because but by can could do does each for from get gets go has have i if in is it its more
    most my need needs no not of on one or our so take takes than that the their then there they this to up was we when
    which who will with would you your""".split()  # noqa: SIM905 - sixty quoted words read worse than this
)
_DENIAL = re.compile(r"\b(?:not|never|no|none|nor|neither|cannot|without|hardly|\w+n't)\b", re.IGNORECASE)
# "no more than 8 lookups" and "nobody above 5,000 followers" deny nothing.
_COMPARISON = re.compile(
    r"\b(?:more|over|above|beyond|longer|larger|later|bigger|higher|greater|slower|exceeds?|exceeding|past|until)\b",
    re.IGNORECASE,
)
_UNTRUE = re.compile(
    r"\b(?:not (?:true|the case|so)|isn't true|untrue|false|wrong) (?:that|to)\b|\bdeny\b", re.IGNORECASE
)
_PROMISE = re.compile(r"\b(?:promis\w*|target\w*|goal\w*|limit\w*|allow\w*|budget\w*)\b", re.IGNORECASE)
_SUPPOSED = re.compile(r"\b(?:if|would|could|twice|double\w*|were|had)\b", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[,;:()]|\b(?:and|but|because|so|while|which|where)\b", re.IGNORECASE)
_ABOUT_LOOKUPS = re.compile(r"\b(?:lookups?|look up|looks up|lists?)\b", re.IGNORECASE)
_THRESHOLD_NOUNS = frozenset(["", "follower", "followers", "account", "accounts", "people", "user", "users"])
_LOOKUP_NOUNS = frozenset(["lookup", "lookups", "list", "lists"])
_COPY_NOUNS = re.compile(r"\b(?:deliver\w*|cop(?:y|ies)|writes?)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Claim:
    """A number of the text, with the words before and after it in its own clause."""

    mention: Mention
    before: str
    after: str

    @property
    def denied(self) -> bool:
        """Whether the text says that this number is not so."""
        if _UNTRUE.search(self.mention.sentence):
            return True
        denials = list(_DENIAL.finditer(self.before))
        if denials and not _COMPARISON.search(self.before, denials[-1].end()):
            return True
        return bool(re.match(r"\W*(?:\w+\W+){0,2}(?:not|never)\b|\W*\w+n't\b", self.after, re.IGNORECASE))

    @property
    def is_promise(self) -> bool:
        """Whether the clause is about what was promised, and not about what happens."""
        return bool(_PROMISE.search(self.before + " " + self.after))


def judge(text: object, threshold: int, model: Callable[[int], Cost]) -> None:
    """Raise Failure unless `text` defends `threshold` with the numbers that `model` gives, in sentences."""
    from fortyfive.numbers.prose import quantities_in

    prose = _prose(text)
    model = functools.lru_cache(maxsize=64)(model)
    claims = _claims(prose, quantities_in(prose))
    if not claims:
        raise Failure(
            f"Your defence holds no number: {_quote(prose)}",
            help="An interviewer can only check numbers: your threshold, its slowest delivery, the lookups of the p99 "
            "read, and what gets worse at another threshold.",
        )
    _in_sentences(prose)
    defence = _Defence(threshold, model, claims)
    defence.names_the_threshold()
    defence.contradicts_nothing()
    defence.gives_the_delivery()
    defence.gives_the_lookups()
    defence.gives_the_trade_off()


def _prose(text: object) -> str:
    if not isinstance(text, str):
        raise Failure(f"`defence` is {text!r}, and a defence is a text: two to four sentences between quotes.")
    if not text.strip():
        raise Failure("`defence` is empty, and silence defends nothing.", help="Two to four sentences are enough.")
    if len(text) > MAX_CHARS:
        raise Failure(
            f"`defence` has {len(text):,} characters, and nobody listens that long: keep it under {MAX_CHARS:,}.",
            help="Two to four sentences: the threshold, its slowest delivery, its p99 read, the trade-off.",
        )
    return " ".join(text.replace("’", "'").split(" "))


def _in_sentences(prose: str) -> None:
    """Raise Failure for a list of words and numbers: English is held together by its smallest words."""
    from fortyfive.numbers.prose import sentences

    found = [sentence.text.strip() for sentence in sentences(prose)]
    bare = [text for text in found if not _small_words(text)]
    small, words = len(_small_words(prose)), len(_words(prose))
    if bare or small < max(6, words // 5):
        raise Failure(
            f"You say {_quote((bare or found)[0])}, and that is a list of words and numbers, not a sentence.",
            help="Say what each number is, as you would aloud: who waits for it, and why it is right.",
        )
    least, most = SENTENCES
    if not least <= len(found) <= most:
        raise Failure(
            f"Your defence has {len(found)} sentence{'s' if len(found) > 1 else ''}: {_quote(prose)}",
            help="Make it two to four. One says the choice and its price, the next what gets worse if the line moves.",
        )


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def _small_words(text: str) -> list[str]:
    return [word for word in _words(text) if word in _FUNCTION_WORDS]


def _claims(prose: str, mentions: Sequence[Mention]) -> list[Claim]:
    found = []
    for mention in mentions:
        start = prose.index(mention.sentence, max(0, prose.rfind(mention.sentence, 0, mention.start + 1)))
        end = start + len(mention.sentence)
        before = _with_words(_CLAUSE_END.split(prose[start : mention.start])[::-1])
        after = _CLAUSE_END.split(prose[mention.start + len(mention.quote) : end])[0]
        found.append(Claim(mention, before, after))
    return found


def _with_words(clauses: Sequence[str]) -> str:
    """Return the first clause that says anything: in "as we promise, 10 s" the number's own says nothing."""
    return next((clause for clause in clauses if _words(clause)), "")


@dataclass(frozen=True)
class _Defence:
    threshold: int
    model: Callable[[int], Cost]
    claims: Sequence[Claim]

    def _is_threshold(self, claim: Claim) -> bool:
        mention = claim.mention
        if mention.unit or mention.noun not in _THRESHOLD_NOUNS or not 0 <= mention.value < 1e12:
            return False
        # "99 reads in 100", "7 of them": a share or a small count, and no line between accounts.
        is_share = re.search(r"\b(?:in|of|out of)\s$", claim.before) and mention.value in (100, 1_000)
        return mention.value == int(mention.value) and (mention.value >= 100 or bool(mention.noun)) and not is_share

    def _is_mine(self, claim: Claim) -> bool:
        return self._is_threshold(claim) and abs(claim.mention.value / self.threshold - 1) <= SAME_THRESHOLD

    def _named(self, sentence: str) -> list[int]:
        """Return the thresholds that a sentence names."""
        return [int(c.mention.value) for c in self.claims if c.mention.sentence == sentence and self._is_threshold(c)]

    def _meant(self, claim: Claim) -> list[int]:
        """Return the thresholds that a number may be about: those its sentence names, else any named before."""
        here = self._named(claim.mention.sentence)
        before = [c for c in self.claims if c.mention.start < claim.mention.start and self._is_threshold(c)]
        return here or [self.threshold, *(int(other.mention.value) for other in before)]

    def _is_time(self, claim: Claim) -> bool:
        return claim.mention.unit == "second"

    def _is_lookups(self, claim: Claim) -> bool:
        return claim.mention.noun in _LOOKUP_NOUNS

    def _about_mine(self, claim: Claim) -> bool:
        named = self._named(claim.mention.sentence)
        return not named or any(abs(value / self.threshold - 1) <= SAME_THRESHOLD for value in named)

    def names_the_threshold(self) -> None:
        mine = [claim for claim in self.claims if self._is_mine(claim)]
        if any(not claim.denied for claim in mine):
            return
        if mine:
            raise self._denial(mine[0], "your threshold")
        digits = [claim for claim in self.claims if self.threshold in (_first_number(claim), claim.mention.value)]
        if digits:
            raise Failure(
                f"You say '{digits[0].mention.quote}', and a threshold is a number of followers.",
                help=f"Write it as you chose it: {self.threshold:,} followers.",
            )
        raise Failure(
            f"You chose {self.threshold:,} followers, and your defence never says so: "
            f"{_quote(self.claims[0].mention.sentence)}",
            help="Begin with the choice itself, as a number.",
        )

    def contradicts_nothing(self) -> None:
        for claim in self.claims:
            if claim.denied:
                continue
            meant = self._meant(claim)
            if self._is_time(claim):
                self._compare_time(claim, meant)
            elif self._is_lookups(claim):
                self._compare_lookups(claim, meant)
            elif claim.mention.unit == "1/second" and _COPY_NOUNS.search(claim.mention.quote):
                self._compare_rate(claim, meant)

    def _compare_time(self, claim: Claim, meant: Sequence[int]) -> None:
        right = [PROMISE_S, *(self.model(value).slowest_delivery_s for value in meant)]
        if not any(_near(claim.mention.value, value) for value in right):
            raise Failure(
                f"You say '{claim.mention.quote}'; at {meant[0]:,} the slowest delivery takes "
                f"{self.model(meant[0]).slowest_delivery_s:.1f} s.",
                help="Every time in your defence is compared with the model: at your threshold, or at one that you "
                "name in the same sentence.",
            )

    def _compare_lookups(self, claim: Claim, meant: Sequence[int]) -> None:
        right = [1, PROMISE_LOOKUPS, *(self.model(value).p99_lookups for value in meant)]
        if claim.mention.value not in right:
            raise Failure(
                f"You say '{claim.mention.quote}'; at {meant[0]:,} the p99 read needs "
                f"{self.model(meant[0]).p99_lookups} lookups.",
                help="Every number of lookups is compared with the model: at your threshold, or at one that you name "
                "in the same sentence.",
            )

    def _compare_rate(self, claim: Claim, meant: Sequence[int]) -> None:
        right = [*KNOWN_RATES_PER_S, *(self.model(value).writes_per_s for value in meant)]
        supposed = _SUPPOSED.search(claim.mention.sentence)
        if not supposed and not any(_near(claim.mention.value, value) for value in right):
            raise Failure(
                f"You say '{claim.mention.quote}'; the workers deliver 500 copies/s, and at {meant[0]:,} the posts ask "
                f"for {self.model(meant[0]).writes_per_s:.0f} copies/s.",
                help="Is it per second that you mean?",
            )

    def gives_the_delivery(self) -> None:
        right = self.model(self.threshold).slowest_delivery_s
        times = [claim for claim in self.claims if self._is_time(claim) and self._about_mine(claim)]
        fits = [claim for claim in times if _near(claim.mention.value, right)]
        self._accept(
            [claim for claim in fits if not claim.is_promise],
            what="the time of the slowest delivery",
            otherwise=[*fits, *times],
            missing=f"how long the slowest delivery takes at {self.threshold:,}",
            advice="The promise is one number, what your threshold does is another: give it in seconds.",
        )

    def gives_the_lookups(self) -> None:
        right = self.model(self.threshold).p99_lookups
        numbers = [
            claim
            for claim in self.claims
            if not claim.mention.unit and _ABOUT_LOOKUPS.search(claim.mention.sentence) and self._about_mine(claim)
        ]
        fits = [claim for claim in numbers if claim.mention.value == right]
        lookups = [claim for claim in numbers if self._is_lookups(claim)]
        self._accept(
            [claim for claim in fits if not claim.is_promise],
            what="the lookups of the p99 read",
            otherwise=[*fits, *lookups],
            missing=f"how many lookups the p99 read needs at {self.threshold:,}",
            advice="99 reads in 100 need at most this many lists: the table below the slider has it.",
        )

    def _accept(
        self, found: Sequence[Claim], *, what: str, otherwise: Sequence[Claim], missing: str, advice: str
    ) -> None:
        if any(not claim.denied for claim in found):
            return
        if found:
            raise self._denial(found[0], what)
        said = f"You say '{otherwise[0].mention.quote}' in" if otherwise else "You say:"
        near = (otherwise or self.claims)[0].mention.sentence
        raise Failure(f"Your defence does not say {missing}. {said} {_quote(near)}", help=advice)

    def gives_the_trade_off(self) -> None:
        others = [claim for claim in self.claims if self._is_threshold(claim) and not self._is_mine(claim)]
        if not others:
            raise Failure(
                "Your defence names no other threshold, so it shows no trade-off. "
                f"It ends: {_quote(self.claims[-1].mention.sentence)}",
                help="Name another threshold, and the number that gets worse there: higher up the slowest delivery, "
                "lower down the lookups of the p99 read.",
            )
        mine = self.model(self.threshold)
        for other in others:
            there = self.model(int(other.mention.value))
            near = [claim for claim in self._beside(other) if not claim.denied]
            if there.threshold > mine.threshold and not _near(there.slowest_delivery_s, mine.slowest_delivery_s):
                worse = [c for c in near if self._is_time(c) and _near(c.mention.value, there.slowest_delivery_s)]
            elif there.threshold < mine.threshold and there.p99_lookups > mine.p99_lookups:
                worse = [c for c in near if not c.mention.unit and c.mention.value == there.p99_lookups]
            else:
                worse = []
            if worse:
                return
        named, value = others[0].mention, int(others[0].mention.value)
        loses = "the slowest delivery, in seconds" if value > self.threshold else "the lookups of the p99 read"
        raise Failure(
            f"You name '{named.quote}', and not the number that gets worse there: {_quote(named.sentence)}",
            help=f"At {value:,} it is {loses}, that changes for the worse; say how much it is there. Where it is "
            "hardly worse than at your threshold, name one farther away.",
        )

    def _beside(self, other: Claim) -> Iterable[Claim]:
        """Yield the numbers of the sentence that names another threshold, and of the next if that names none."""
        order = list(dict.fromkeys(claim.mention.sentence for claim in self.claims))
        place = order.index(other.mention.sentence)
        following = order[place + 1 : place + 2]
        wanted = [order[place], *(text for text in following if not self._named(text))]
        return [claim for claim in self.claims if claim.mention.sentence in wanted and claim is not other]

    def _denial(self, claim: Claim, what: str) -> Failure:
        return Failure(
            f"You deny {what}: {_quote(claim.mention.sentence)}",
            help=f"'{claim.mention.quote}' earns credit where you say that it is so.",
        )


def _near(value: float, right: float) -> bool:
    return abs(value - right) <= TIME_TOLERANCE * right + 1e-9


def _first_number(claim: Claim) -> float:
    digits = re.sub(r"[ ,_]", "", re.match(r"[0-9][0-9 ,_]*", claim.mention.quote.lstrip("$USD "))[0].rstrip())  # type: ignore[index]
    return float(digits)


def _quote(text: str) -> str:
    short = text.strip() if len(text.strip()) <= 200 else f"{text.strip()[:200]} ..."
    return f'"{short}"'
