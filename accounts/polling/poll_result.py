"""What came of asking an agent: for the rows, and for the person who asked."""

from dataclasses import dataclass
from datetime import datetime

from accounts.agents import AgentError, Reading
from accounts.models import Agent
from accounts.poll_log import Poll

FAILURES_NAMED = 3


@dataclass(frozen=True, slots=True)
class Result:
    """What came of asking one agent. Neither reading nor error: nothing changed there (304)."""

    agent_id: int
    url: str
    started_at: datetime
    finished_at: datetime
    latency_ms: float
    reading: Reading | None = None
    error: AgentError | None = None
    recovered: bool = False
    etag: str = ""
    """That was sent along: what "nothing changed" is about."""

    @property
    def is_unchanged(self) -> bool:
        return self.reading is None and self.error is None

    @property
    def poll(self) -> Poll:
        """For the log of recent polls."""
        code = self.error.code if self.error else ""
        return Poll(self.started_at.timestamp(), code, round(self.latency_ms, 1))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a refresh tells the person who asked for it."""

    agent_id: int
    agent_name: str
    ok: bool
    code: str
    sentence: str
    latency_ms: float
    changed: bool

    @classmethod
    def of(cls, agent: Agent, result: Result, changed: bool) -> "Outcome":
        error = result.error
        said = "changed" if changed else "nothing new"
        return cls(
            agent_id=agent.pk,
            agent_name=str(agent),
            ok=error is None,
            code=error.code if error else "",
            sentence=error.sentence if error else f"Read in {result.latency_ms:.0f} ms, {said}.",
            latency_ms=result.latency_ms,
            changed=changed,
        )

    @classmethod
    def left_alone(cls, agent: Agent) -> "Outcome":
        """Of one that was not asked: somebody else is reading it, or it was switched off."""
        code, said = "being-read", "It is being read for somebody else at this moment."
        if not agent.enabled:
            code, said = "disabled", "It is not enabled, so it is not asked."
        return cls(agent.pk, str(agent), False, code, said, 0.0, False)


def sentence_of(outcomes: list[Outcome]) -> str:
    """Return the result of a refresh for a person: how many answered, and which did not."""
    if not outcomes:
        return "There is no agent to ask."
    if len(outcomes) == 1:
        return f"{outcomes[0].agent_name}: {outcomes[0].sentence}"
    failed = sorted((o for o in outcomes if not o.ok), key=lambda outcome: outcome.agent_name)
    answered = f"{len(outcomes) - len(failed)} of {len(outcomes)} agents answered"
    if not failed:
        return f"{answered}."
    named = ", ".join(f"{one.agent_name} ({one.code})" for one in failed[:FAILURES_NAMED])
    more = len(failed) - FAILURES_NAMED
    return f"{answered}; failed: {named}{f' and {more} more' if more > 0 else ''}."
