"""Tickets as text beside the number: JavaScript rounds whole numbers above 2**53."""

TEXT_OF = "_text"


def texts(**numbers: int | None) -> dict[str, str | None]:
    """Return each number as text, under its name with `_text` behind it; None stays None."""
    return {
        f"{name}{TEXT_OF}": None if number is None else str(number)
        for name, number in numbers.items()
    }
