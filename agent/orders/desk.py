"""The one door through which an agent's orders of contract v2 go to its terminal."""

import asyncio
import logging
from collections.abc import Callable

from agent.errors import TerminalError, TerminalTimeout
from agent.orders.job import Job
from agent.orders.journal import Journal, JournalError, Record, TagTaken
from agent.orders.plan import Plan, make_plan
from agent.orders.request import OrderRequest
from agent.orders.result import Evidence, Result
from agent.orders.rules import check_expiry, check_login
from agent.orders.search import search
from agent.orders.sending import send
from agent.problem import Problem, Refusal
from agent.readings import read_account
from agent.records import MetaTrader5
from agent.terminal import Terminal

log = logging.getLogger("agent")
# How far back orders without a known end are looked for when an agent starts.
RECOVERED_MS = 7 * 86_400_000


class OrderDesk:
    """`clock` gives UTC seconds; `deadline` is how long, in seconds, an order is waited for."""

    def __init__(
        self,
        terminal: Terminal,
        journal: Journal,
        clock: Callable[[], float],
        deadline: float = 25.0,
    ) -> None:
        self.terminal, self.journal, self.clock = terminal, journal, clock
        self.deadline = deadline
        self._jobs: dict[str, Job] = {}
        self._tasks: set[asyncio.Task[Record]] = set()
        # Results that the journal did not take, of orders that had been sent.
        self._unwritten: dict[str, Result] = {}

    async def place(self, order: OrderRequest) -> Record:
        """What became of the order; one without a result is still being sent.

        Raises `Refusal` when it was not sent and never will be, `Problem` when its tag belongs to
        another order, `JournalError` when it cannot be told what became of it. The caller may go
        away meanwhile: the order is executed and journalled all the same.
        """
        if (known := self._known(order)) is not None:
            return await self._looked_up(known)
        job = Job(order, self._now_ms(), self.execute, self._forget)
        self._check_expiry(order)
        self._jobs[order.tag] = job
        task = asyncio.create_task(self._run(job))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def record(self, tag: str) -> Record | None:
        """What is known of a tag, after one more search when its end is not. Raises
        `JournalError`."""
        record, job = self._record(tag), self._jobs.get(tag)
        if record is None:
            return None if job is None else job.record()
        return await self._looked_up(record)

    async def recover(self) -> int:
        """Search for every order without a known end; the number of those. Raises
        `JournalError`."""
        tags = self.journal.unresolved(self._now_ms() - RECOVERED_MS)
        for tag in tags:
            await self.record(tag)
        return len(tags)

    def await_last(self, seconds: float) -> None:
        """Let an order that has begun to be sent end, when the agent does; no other one begins."""
        for job in list(self._jobs.values()):
            if not job.abandon():
                job.over.wait(seconds)

    def executing(self, tag: str) -> bool:
        return tag in self._jobs

    def _known(self, order: OrderRequest) -> Record | None:
        """The order's record when the agent has seen its tag."""
        record, job = self._record(order.tag), self._jobs.get(order.tag)
        if record is None and job is not None:
            record = job.record()
        if record is None:
            return None
        if record.order != order.canonical():
            raise Problem(409, "tag-conflict", "This tag belongs to another order")
        if record.problem is not None:
            raise record.problem
        return record

    async def _looked_up(self, record: Record) -> Record:
        if record.resolved or self.executing(record.tag):
            return record
        try:
            return await self.terminal.run(lambda mt5: self._look(mt5, record))
        except TerminalError as error:
            evidence = Evidence("unreadable", str(error) or error.title, self._now_ms())
            record.evidence = evidence.content()
            return record

    async def _run(self, job: Job) -> Record:
        try:
            return await self.terminal.run(job, self.deadline)
        except TerminalError as error:
            if job.abandon():
                self._forget(job)
                raise self._refuse(job.order, _refusal(error)) from error
        return self._record(job.order.tag) or job.record()

    def _forget(self, job: Job) -> None:
        self._jobs.pop(job.order.tag, None)

    def _ended(self, task: asyncio.Task[Record]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Asked for, or Python complains about the refusal of a caller that has gone.
            task.exception()

    # What follows runs in the terminal's thread, one order at a time.

    def execute(self, mt5: MetaTrader5, job: Job) -> Record:
        """Raises `Refusal` or, while the job can still be abandoned, `TerminalError`: then nothing
        was sent."""
        order = job.order
        if (known := self._record(order.tag)) is not None:
            return known
        try:
            plan = make_plan(mt5, order)
        except Refusal as refusal:
            raise self._refuse(order, refusal) from refusal
        self._check_expiry(order)
        if not job.begin():
            raise TerminalTimeout("the order was given up before it could be sent")
        self._begin(order, plan)
        self._last_look(mt5, order)
        result = send(mt5, order, plan)
        self._settle(order.tag, result)
        record = self._sent(order.tag)
        return record if result.complete else self._look(mt5, record)

    def _begin(self, order: OrderRequest, plan: Plan) -> None:
        """On disk when this returns. Raises `Refusal` when it cannot be."""
        account = plan.account
        try:
            self.journal.begin(
                order, account.login, account.server, plan.sent, self._now_ms(), plan.identifier
            )
        except JournalError as error:
            title = "The journal cannot be written, so nothing may be sent"
            raise Refusal(503, "journal-unavailable", title, str(error)) from error

    def _last_look(self, mt5: MetaTrader5, order: OrderRequest) -> None:
        """Once more right before the order leaves: reading and writing took their time."""
        try:
            check_login(order, read_account(mt5))
            check_expiry(order, self.clock())
        except (Refusal, TerminalError) as error:
            refusal = error if isinstance(error, Refusal) else _refusal(error)
            try:
                self.journal.withhold(order.tag, refusal, self._now_ms())
            except JournalError:
                log.exception("that order %s was not sent could not be written", order.tag)
            raise refusal from error

    def _settle(self, tag: str, result: Result) -> None:
        try:
            self.journal.settle(tag, result, self._now_ms())
        except JournalError:
            log.exception("the result of order %s could not be written: %s", tag, result)
            self._unwritten[tag] = result

    def _look(self, mt5: MetaTrader5, record: Record) -> Record:
        """Search the terminal's records for the order, and note what was found.

        A result that only lacks figures is never turned into another one.
        """
        evidence, found = search(mt5, record, self.clock())
        if record.resolved and (found is None or found.outcome not in ("done", "partial")):
            return record
        self._note(record, evidence, found)
        if found is not None:
            record.result, record.settled_ms = found, evidence.at_ms
        record.evidence = evidence.content()
        return record

    def _note(self, record: Record, evidence: Evidence, found: Result | None) -> None:
        before = record.evidence or {}
        try:
            if found is not None:
                self.journal.find(record.tag, found, evidence)
                self._unwritten.pop(record.tag, None)
            elif not evidence.repeats(before):
                self.journal.note_search(record.tag, evidence)
        except JournalError:
            log.exception("what was found of order %s could not be written", record.tag)

    def _check_expiry(self, order: OrderRequest) -> None:
        try:
            check_expiry(order, self.clock())
        except Refusal as refusal:
            raise self._refuse(order, refusal) from refusal

    def _refuse(self, order: OrderRequest, refusal: Refusal) -> Refusal:
        """Written down, so that the tag is answered like this ever after.

        A refusal that cannot be written stands: nothing was sent, and what cannot be written here
        could not be begun either.
        """
        try:
            self.journal.refuse(order, refusal, self._now_ms())
        except TagTaken:
            log.info("order %s was refused and given up at once", order.tag)
        except JournalError:
            log.exception("the refusal of order %s could not be written", order.tag)
        return refusal

    def _record(self, tag: str) -> Record | None:
        record = self.journal.record(tag)
        if record is not None and tag in self._unwritten:
            record.result = self._unwritten[tag]
        return record

    def _sent(self, tag: str) -> Record:
        record = self._record(tag)
        if record is None:
            raise JournalError(f"order {tag} was sent and is not in the journal any more")
        return record

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)


def _refusal(error: TerminalError) -> Refusal:
    return Refusal(error.status, error.type, error.title, str(error))
