"""A symbol's specification whose tick was checked, for those who convert money and prices."""

from typing import Any

import msgspec

from accounts.agents import SymbolSpec
from trading.ticks.verdict import Verdict


class CheckedSpec(SymbolSpec, frozen=True, kw_only=True):
    """Tick size and value are those of the verdict; `tick_value` is None where it must not be
    used."""

    ticks: Verdict


def with_verdict(spec: SymbolSpec, verdict: Verdict) -> CheckedSpec:
    told = msgspec.structs.asdict(spec)
    told |= {"tick_size": verdict.tick_size, "tick_value": verdict.tick_value}
    return CheckedSpec(**told, ticks=verdict)


def warning_of(spec: SymbolSpec) -> str:
    """What has to be acknowledged before its stops in money are used; empty for nothing."""
    return spec.ticks.warning if isinstance(spec, CheckedSpec) else ""


def basis_of(spec: SymbolSpec) -> str:
    """A sentence about how its tick is known; empty where the agent's own word is all."""
    return spec.ticks.sentence if isinstance(spec, CheckedSpec) else ""


def refusal_of(spec: SymbolSpec) -> str:
    """Why nothing can be said of its ticks in money; empty where it can."""
    if isinstance(spec, CheckedSpec):
        return spec.ticks.refusal
    known = spec.tick_size and spec.tick_value
    return "" if known else f"The agent does not say what a tick of {spec.symbol} is worth."


def proof_of(spec: SymbolSpec) -> dict[str, Any] | None:
    """How its tick became known, as JSON; None where the agent's own word was all."""
    return spec.ticks.record | {"symbol": spec.symbol} if isinstance(spec, CheckedSpec) else None
