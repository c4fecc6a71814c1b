"""What speaks against a versus, as a sentence."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One that did not pass. `blocks`: no acknowledgement helps."""

    sentence: str
    blocks: bool = True
