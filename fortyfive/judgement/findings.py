"""What a judgement says: findings, each with its evidence and the sentence that an interviewer would say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Each rule, and what it looks for; among findings that weigh the same, the earlier rule is told first.
RULES: Mapping[str, str] = {
    "missing path": "every operation reaches what it needs, as often as it needs it",
    "promise": "the promises about latency and loss hold under the prompt's load",
    "synchronous": "no answer waits for something that its caller need not wait for",
    "single point of failure": "any one instance may die, and the promised share of requests is still answered",
    "connections": "there is room for all who stay connected",
    "budget": "a month costs no more than it may",
    "no back-pressure": "under too much load work is turned away, and what is taken in is served in time",
    "fire and forget": "work that was promised waits somewhere that outlives a process",
    "no dead letter": "a message that always fails is put aside after some tries",
    "unbounded queue": "a queue has a limit, so that what it holds is bounded, and its age too",
    "read your writes": "users see what they have just written",
    "stale cache": "a cache hears of writes, or forgets in time",
    "stampede": "many misses on one key ask the store once",
    "no balancer": "something spreads the requests over the instances of a service",
    "over-architecture": "each component is earned by a requirement",
    "depth too early": "parameters are tuned once the skeleton is complete",
}

# Rules that refute a design: the others are what a good interviewer would push on.
FATAL = frozenset({"promise", "missing path", "single point of failure", "synchronous", "budget", "connections"})


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a design.

    `rule` is a key of `RULES`, `subject` the name of a component or an operation, `what` says what is wrong, `evidence`
    what was measured or follows from the drawing, `say` what an interviewer would say.
    """

    rule: str
    subject: str
    what: str
    evidence: str
    say: str

    @property
    def fatal(self) -> bool:
        """Whether the design does not do what was asked."""
        return self.rule in FATAL

    def sentence(self) -> str:
        """Return all of it in one paragraph."""
        return f"{self.what} {self.evidence}"


def by_weight(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings with the most important first: what refutes the design, and then in the order of `RULES`."""
    places = list(RULES)
    return tuple(sorted(findings, key=lambda each: (not each.fatal, places.index(each.rule))))
