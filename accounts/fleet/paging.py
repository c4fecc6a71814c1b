"""Which part of a long list a URL asks for."""

from dataclasses import dataclass

from django.conf import settings

from mt5monitor.text import clean


@dataclass(frozen=True)
class Page:
    number: int
    pages: int
    total: int
    size: int

    @classmethod
    def asked(cls, text: str, total: int, problems: list[str]) -> "Page":
        """The page named by `text`, from anybody; what is no page of this list is said in
        `problems`, and the nearest one taken."""
        size = settings.ROWS_PER_PAGE
        pages = max(-(-total // size), 1)
        text = clean(text, 20)
        number = int(text) if text.isascii() and text.isdecimal() else 0
        if text and not 1 <= number <= pages:
            which = "the last" if number > pages else "the first"
            problems.append(f"There is no page “{text}”; this is {which} of {pages}.")
        return cls(min(max(number, 1), pages), pages, total, size)

    @property
    def slice(self) -> slice:
        return slice((self.number - 1) * self.size, self.number * self.size)

    @property
    def first(self) -> int:
        return min((self.number - 1) * self.size + 1, self.total)

    @property
    def last(self) -> int:
        return min(self.number * self.size, self.total)

    @property
    def previous(self) -> str:
        return str(self.number - 1) if self.number > 1 else ""

    @property
    def next(self) -> str:
        return str(self.number + 1) if self.number < self.pages else ""
