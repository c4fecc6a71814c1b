"""What the tests of the agent share: a clock to turn, a fleet to ask, the monitor's signature."""

import base64
import hashlib
import hmac
import secrets
import time
from typing import Any

import httpx

from agent.agent import Agent
from agent.app import AgentApp, ContractChoice
from agent.broker_clock import BrokerClock
from agent.fleet import Fleet, Nuisance
from agent.members import Member, build_members
from agent.simulated.terminal import SimulatedTerminal
from agent.simulated.world import World
from agent.terminal import DirectTerminal

# 2026-03-04 10:00:00 UTC
START = 1_772_618_400
# What the secrets of a test fleet derive from.
SEED = "a demo"
SECRET = b"0123456789abcdef0123456789abcdef"


class TurnedClock:
    """Seconds of UTC since 1970, standing still until a test moves them."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


def one_agent(clock: TurnedClock, *, seed: int = 1, **changes: Any) -> Agent:
    """An agent on account 1 of a world, with everything configured."""
    world = World(seed, 1, clock)
    account = world.accounts[0]
    terminal = SimulatedTerminal(world, account)
    given: dict[str, Any] = {
        "name": "Test 1",
        "terminal": DirectTerminal(terminal),
        "secret": SECRET,
        "holder": account.holder,
        "firm": account.firm.name,
        "initial_balance": account.initial_balance,
        "opened_on": terminal.opened_on,
        "broker_clock": BrokerClock(account.firm.offset),
        "clock": clock,
    }
    return Agent(**(given | changes))


def terminal_of(agent: Agent) -> SimulatedTerminal:
    assert isinstance(agent.terminal, DirectTerminal)
    assert isinstance(agent.terminal.module, SimulatedTerminal)
    return agent.terminal.module


def client_of(agent: Agent, contract: ContractChoice) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(AgentApp(contract, agent), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://agent")


def signing_client_of(agent: Agent) -> httpx.AsyncClient:
    client = client_of(agent, "2")
    client.auth = MonitorSignature(agent.secret or SECRET)
    return client


def fleet_of(
    count: int, clock: TurnedClock | None = None, *, control: bool = True, **options: Any
) -> tuple[list[Member], httpx.AsyncClient]:
    nuisance = Nuisance(
        **{key: options.pop(key) for key in list(options) if key in Nuisance.__slots__}
    )
    if clock is not None:
        options["clock"] = clock
    members = build_members(count, **options)
    fleet = Fleet(members, nuisance, control=control)
    transport = httpx.ASGITransport(fleet, raise_app_exceptions=False)
    return members, httpx.AsyncClient(transport=transport, base_url="http://fleet")


class MonitorSignature(httpx.Auth):
    """Signs a request as the monitor does, written here once more from the wire format."""

    requires_request_body = True

    def __init__(
        self, secret: bytes, *, nonce: str | None = None, created: int | None = None
    ) -> None:
        self.secret, self.nonce, self.created = secret, nonce, created

    def auth_flow(self, request: httpx.Request) -> Any:
        digest = hashlib.sha256(request.content).digest()
        request.headers["Content-Digest"] = f"sha-256=:{base64.b64encode(digest).decode()}:"
        created = int(time.time()) if self.created is None else self.created
        nonce = self.nonce or secrets.token_urlsafe(18)
        params = (
            '("@method" "@path" "@query" "content-digest")'
            f';created={created};keyid="mt5monitor";alg="hmac-sha256";nonce="{nonce}"'
        )
        path, _, query = request.url.raw_path.decode().partition("?")
        base = (
            f'"@method": {request.method}\n"@path": {path}\n"@query": ?{query}\n'
            f'"content-digest": {request.headers["Content-Digest"]}\n'
            f'"@signature-params": {params}'
        )
        mac = hmac.new(self.secret, base.encode(), "sha256").digest()
        request.headers["Signature-Input"] = f"sig1={params}"
        request.headers["Signature"] = f"sig1=:{base64.b64encode(mac).decode()}:"
        yield request


def problem_of(response: httpx.Response) -> str:
    """The type of a problem, having seen that it is one and that it is signed."""
    assert response.headers["content-type"] == "application/problem+json"
    assert "signature" in response.headers
    content = response.json()
    assert content["status"] == response.status_code >= 400
    assert content["title"]
    return str(content["type"])
