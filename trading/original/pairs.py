"""Who is in which VS group, here and by what is planned; two at most."""

from accounts.models import Account, VSGroup

MOST = 2


class Members:
    def __init__(self) -> None:
        names = VSGroup.objects.values_list("name", flat=True)
        self._names = {name.casefold(): name for name in names}
        self._of: dict[str, list[int]] = {}
        self._in: dict[int, str] = {}
        paired = Account.objects.filter(vs_group__isnull=False).order_by("vs_slot")
        for number, name in paired.values_list("number", "vs_group__name"):
            self._put(number, name)

    def name_of(self, told: str) -> str:
        """As the group is written here, whatever its case; as told where there is none yet."""
        exact = told if told in self._names.values() else None
        return exact or self._names.setdefault(told.casefold(), told)

    def of(self, name: str) -> list[int]:
        return self._of.get(name, [])

    def move(self, number: int, name: str) -> bool:
        """False, and nothing moved, when there is no room."""
        if len(self.of(name)) >= MOST:
            return False
        if before := self._in.get(number):
            self._of[before].remove(number)
        self._put(number, name)
        return True

    def _put(self, number: int, name: str) -> None:
        self._of.setdefault(name, []).append(number)
        self._in[number] = name
