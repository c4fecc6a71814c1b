"""Orders to send, agents that answer them, and the count of what they saw."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from accounts.agents import AgentClient, NotSent, SymbolSpec, TradeAnswer, TradeRequest
from accounts.agents.signing import content_digest
from tests.agents.conftest import endpoint
from tests.agents.servers import Answer, Server, Visit, response
from tests.agents.test_signing import ORACLE, SECRET, HTTPMessageSigner, HTTPMessageVerifier

TAG = "K7Q2M4X9ABCDEFGHJKLMNPQRST"
POSITION = 5012345
ORDER = TradeRequest(
    kind="open",
    tag=TAG,
    magic=424242,
    expected_login=5001,
    expected_server="North-Live",
    expires_at=datetime(2099, 1, 1, tzinfo=UTC),
    symbol="EURUSD",
    side="BUY",
    volume=Decimal("0.10"),
    sl=None,
    tp=None,
    position=None,
    deviation=20,
)
KINDS: dict[str, dict[str, Any]] = {
    "open": {},
    "close": {"side": None, "volume": None, "position": POSITION},
    "modify": {
        "side": None,
        "volume": None,
        "position": POSITION,
        "sl": Decimal("1.08"),
        "tp": Decimal("1.095"),
    },
}
SPEC = SymbolSpec(
    symbol="EURUSD",
    point=Decimal("0.00001"),
    pip_size=Decimal("0.0001"),
    bid=Decimal("1.08498"),
    ask=Decimal("1.08510"),
)
DONE1 = {"success": True, "ticket": 77, "message": "Order executed", "price": 1.0851}
DONE2 = {
    "tag": TAG,
    "outcome": "done",
    "retcode": 10009,
    "retcode_name": "DONE",
    "order": 77,
    "deal": 78,
    "position": 77,
    "volume": 0.1,
    "price": 1.0851,
    "bid": 1.08498,
    "ask": 1.0851,
    "comment": "Request executed",
    "message": "",
    "sent": True,
}


def order(kind: str = "open", **changes: Any) -> TradeRequest:
    values = {name: getattr(ORDER, name) for name in ORDER.__struct_fields__}
    return TradeRequest(**{**values, "kind": kind, **KINDS[kind], **changes})


def soon(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def signed(
    visit: Visit,
    content: Any,
    status: str = "200 OK",
    *,
    nonce: str | None = None,
    kind: str = "application/json",
    skew: float = 0,
    verify: bool = True,
) -> bytes:
    """An answer that the library signed, after it verified the request with its body."""
    request = visit.request
    if verify:
        url = f"http://agent{request.path}"
        message = SimpleNamespace(method=request.method, url=url, headers=dict(request.headers))
        HTTPMessageVerifier(**ORACLE).verify(message, body=request.body)
        assert request.headers["content-digest"] == content_digest(request.body)
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    headers = {
        "Content-Type": kind,
        "Content-Digest": content_digest(body),
        "Request-Nonce": nonce or nonce_of(visit),
    }
    answer = SimpleNamespace(status_code=int(status[:3]), headers=headers, body=body)
    HTTPMessageSigner(**ORACLE).sign(
        answer,
        key_id="agent",
        created=datetime.now(UTC) + timedelta(seconds=skew),
        label="sig1",
        covered_component_ids=["@status", "content-digest", "content-type", "request-nonce"],
        use_existing_digest=True,
    )
    kept = tuple(f"{key}: {value}" for key, value in headers.items() if key != "Content-Type")
    return response(body, status, kind, kept)


def nonce_of(visit: Visit) -> str:
    return visit.request.headers["signature-input"].partition('nonce="')[2].rstrip('"')


def saying(content: Any, status: str = "200 OK", contract: str = "1", **how: Any) -> Answer:
    """An agent that answers every request so, signed with contract 2."""

    async def answer(visit: Visit) -> None:
        if contract == "2":
            await visit.send(signed(visit, content, status, **how))
        elif isinstance(content, bytes):
            await visit.send(response(content, status))
        else:
            await visit.json(content, status)

    return answer


async def traded(
    client: AgentClient,
    server: Server | str,
    request: TradeRequest = ORDER,
    contract: str = "1",
    spec: SymbolSpec | None = SPEC,
) -> TradeAnswer | NotSent:
    """What the trade came to; held to have been one request on one connection at most."""
    url = server if isinstance(server, str) else server.url
    called: TradeAnswer | NotSent
    try:
        called = await client.trade(
            endpoint(url, contract, secret=SECRET if contract == "2" else None), request, spec
        )
    except NotSent as error:
        called = error
    assert client.statistics().in_use == 0
    if isinstance(server, Server):
        assert len(server.requests) <= 1
        assert server.connections <= 1
    return called


def outcome(called: TradeAnswer | NotSent) -> str:
    return "not-sent" if isinstance(called, NotSent) else called.outcome


def body_of(server: Server) -> Any:
    """The body of the one request, its numbers as they were written."""
    (request,) = server.requests
    with suppress(ValueError):
        return json.loads(request.body, parse_float=Decimal, parse_int=int)
    return request.body
