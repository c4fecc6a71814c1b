"""Changes of accounts as server-sent events."""

from collections.abc import Mapping

import msgspec
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET

from accounts.events.feed import Feed, stream_of
from accounts.live.access import Viewer
from accounts.live.events import Event

_encoder = msgspec.json.Encoder()
Raws = dict[str, msgspec.Raw]
REMEMBERED = 16  # texts of late: those who follow at the same pace are told the same


class Accounts(Feed):
    """What changed of each account, all its changes in one; the state of agents for those who may
    see it; and that something was touched of which nothing is told."""

    needs = "account_update"

    def __init__(self) -> None:
        self._texts: dict[tuple[str, int, int, bool], list[tuple[str, str]]] = {}

    async def made_of(self, events: list[Event], viewer: Viewer) -> list[tuple[str, str]]:
        agents = "agent_status" in viewer.kinds
        key = (events[0].epoch, events[0].seq, events[-1].seq, agents)
        if key not in self._texts:
            while len(self._texts) >= REMEMBERED:
                del self._texts[next(iter(self._texts))]
            self._texts[key] = self._together(events, agents)
        return self._texts[key]

    def _together(self, events: list[Event], agents: bool) -> list[tuple[str, str]]:
        latest: dict[tuple[str, str], Raws] = {}
        for event in events:
            if event.kind == "agent_status" and agents:
                name = bytes(event.fields["agent_name"]).decode()
                latest[event.kind, name] = _marked(event, event.fields)
            elif event.kind == "account_update":
                self._merge(latest, event)
        return [(kind, _encoder.encode(fields).decode()) for (kind, _), fields in latest.items()]

    def _merge(self, latest: dict[tuple[str, str], Raws], event: Event) -> None:
        key = (event.kind, bytes(event.fields["account_id"]).decode())
        before = latest.get(key)
        fields = _marked(event, event.fields)
        if before is not None:
            known: Raws = msgspec.json.decode(before["data"], type=Raws)
            known |= msgspec.json.decode(event.fields["data"], type=Raws)
            fields["data"] = msgspec.Raw(_encoder.encode(known))
        latest[key] = fields


def _marked(event: Event, fields: Mapping[str, msgspec.Raw]) -> Raws:
    mark = {"epoch": event.epoch, "seq": event.seq}
    return {**{name: msgspec.Raw(_encoder.encode(at)) for name, at in mark.items()}, **fields}


_accounts = Accounts()


@login_not_required  # a program is told 401, not where to sign in
@require_GET
async def accounts(request: HttpRequest) -> HttpResponseBase:
    return await stream_of(request, _accounts)
