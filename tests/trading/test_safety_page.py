"""docs/trading-safety.md says of states and return codes what the code says."""

import re

import pytest

from accounts.agents import retcodes
from tests.documents import ROOT, Document
from trading.states import State as OrderState
from trading.versus.states import State as VersusState

PAGE = Document(ROOT / "docs/trading-safety.md")
ROWS = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.text.splitlines()
        if line.startswith("| ")]  # fmt: skip


@pytest.mark.parametrize("states", [OrderState, VersusState])
def test_every_state_stands_there_as_pages_show_it(
    states: type[OrderState] | type[VersusState],
) -> None:
    written: dict[str, str] = {}
    for names, labels in ((row[0], row[1]) for row in ROWS if len(row) > 1):
        codes = re.findall(r"`([\w-]+)`", names)
        shown = [part.split(":")[0].strip() for part in labels.split(",")]
        written |= dict(zip(codes, shown, strict=False))
    assert {state.value: written.get(state.value) for state in states} == {
        state.value: state.label for state in states
    }


@pytest.mark.parametrize("code", [*retcodes.EXECUTED, *retcodes.REJECTED, *retcodes.AMBIGUOUS])
def test_every_return_code_stands_there_with_what_it_proves(code: int) -> None:
    outcome = next(row[1] for row in ROWS if row[0].startswith("10") and code in codes(row[0]))
    word = {"done": "filled" if code == retcodes.DONE else "done"}
    proven = retcodes.outcome(code)
    assert outcome.startswith(word.get(proven, proven))


def codes(cell: str) -> set[int]:
    """Numbers and ranges of a cell: "10006, 10013 to 10019"."""
    found = set()
    for first, last in re.findall(r"(\d{5})(?: to (\d{5}))?", cell):
        found |= set(range(int(first), int(last or first) + 1))
    return found
