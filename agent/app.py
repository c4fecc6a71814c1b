"""The ASGI application: which contracts an agent serves, and the signatures around v2.

The agent that a request is for is found in `scope["agent"]`: the routes are shared by all agents of
a process, so an agent costs no application of its own.
"""

import logging
import time
from collections.abc import Collection
from typing import Literal, cast

from starlette.exceptions import HTTPException
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent import contract1, contract1_trades, contract2, problem
from agent.agent import Agent
from agent.body import read_body
from agent.callers import why_refused
from agent.errors import TerminalError
from agent.orders import routes as orders
from agent.signing import (
    Headers,
    SignatureMissing,
    SignatureProblem,
    sign_response,
    verify_request,
)

ContractChoice = Literal["1", "2", "both"]
log = logging.getLogger("agent")


class Contract1:
    """The routes of v1; everything else is answered as FastAPI would. Not to pages of the web,
    which agents in the field answer too."""

    def __init__(self, names: Collection[str] = ()) -> None:
        self.names = frozenset(name.lower() for name in names)
        self.router = Router([*contract1.ROUTES, *contract1_trades.ROUTES], redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Starlette's router raises instead of answering when it runs inside an application.
        scope["app"] = self
        if refusal := why_refused(scope, self.names):
            await contract1.refused(403, refusal)(scope, receive, send)
            return
        try:
            await self.router(scope, receive, send)
        except HTTPException as error:
            text = "Not Found" if error.status_code == 404 else "Method Not Allowed"
            await contract1.refused(error.status_code, text)(scope, receive, send)


class Contract2:
    """The routes of v2: verifies every request but a ping, signs every answer but its own."""

    def __init__(self) -> None:
        self.router = Router([*contract2.ROUTES, *orders.ROUTES], redirect_slashes=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["app"] = self
        agent: Agent = scope["agent"]
        if route_path(scope) == "/v2/ping":
            await self._answer(scope, receive, send)
            return
        nonce = ""
        held = Held()
        try:
            body = await read_body(receive)
            nonce = self._verify(agent, scope, body)
        except SignatureProblem as error:
            nonce = error.nonce
            await problem.of_signature(error)(scope, receive, held.send)
        except problem.Problem as error:
            await problem.of_problem(error)(scope, receive, held.send)
        else:
            await self._answer(scope, replay(body), held.send)
        await held.release(send, agent, nonce)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.router(scope, receive, send)
        except HTTPException as error:
            absent = error.status_code == 404
            response = problem.not_found() if absent else problem.not_allowed()
            await response(scope, receive, send)
        except TerminalError as error:
            await problem.of_terminal(error)(scope, receive, send)
        except problem.Problem as error:
            await problem.of_problem(error)(scope, receive, send)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            await problem.failed()(scope, receive, send)

    @staticmethod
    def _verify(agent: Agent, scope: Scope, body: bytes) -> str:
        if agent.secret is None:
            raise SignatureMissing("this agent has no secret to check signatures with")
        return verify_request(
            agent.secret,
            method=scope["method"],
            path=cast(bytes, scope["raw_path"]).decode("latin-1"),
            query=cast(bytes, scope["query_string"]).decode("latin-1"),
            headers=scope["headers"],
            body=body,
            # The clock of the machine: the one of a simulated terminal may be a test's.
            now=time.time(),
            nonces=agent.nonces,
        )


class Held:
    """Keeps one answer back until its body is whole, for the signature covers both."""

    __slots__ = ("body", "headers", "status")

    def __init__(self) -> None:
        self.status = 500
        self.headers: Headers = []
        self.body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")

    async def release(self, send: Send, agent: Agent, nonce: str) -> None:
        headers = self.headers
        if agent.secret is not None:
            headers = sign_response(
                agent.secret, self.status, headers, self.body, nonce, time.time()
            )
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


class AgentApp:
    """Serves the agent in `scope["agent"]`, or `agent` when it is the only one. `names`: those by
    which v1 is called, beside addresses and names without a dot."""

    def __init__(
        self, contract: ContractChoice, agent: Agent | None = None, names: Collection[str] = ()
    ) -> None:
        self.agent = agent
        self.contract1: ASGIApp | None = None if contract == "2" else Contract1(names)
        self.contract2: ASGIApp | None = None if contract == "1" else Contract2()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if self.agent is not None:
            scope["agent"] = self.agent
        path = route_path(scope)
        if self.contract2 is not None and (path == "/v2" or path.startswith("/v2/")):
            await self.contract2(scope, receive, send)
        elif self.contract1 is not None:
            await self.contract1(scope, receive, send)
        else:
            await problem.not_found()(scope, receive, send)


def route_path(scope: Scope) -> str:
    """The path below the prefix of the agent."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def replay(body: bytes) -> Receive:
    """A `receive` that hands out a body that has been read already."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
