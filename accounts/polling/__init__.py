"""From agents to rows: who is due, one reading of an agent, and what of it is written.

poller.py          ticks of the beat, and refreshes that a user waits for
fetch.py           one reading on the background loop; no ORM
poll_result.py     a reading or an error of one agent
on_demand.py       each agent is read once at a time, however many ask
recorder.py        replies into rows, a transaction a batch
snapshot.py        the rows that a batch is compared with
plan.py            what differs, worked out without the database
ownership.py       which agent an account belongs to
initial_values.py  holder, firm and initial balance, taken once
nearness.py        prices near a level: urgent
polled_columns.py  columns that the poller owns
writes.py          the statements
"""

from accounts.polling.on_demand import TooManyRefreshes, place
from accounts.polling.ownership import is_server
from accounts.polling.poll_result import Outcome, sentence_of
from accounts.polling.poller import poll_due, read_again, read_now, refresh

__all__ = [
    "Outcome",
    "TooManyRefreshes",
    "is_server",
    "place",
    "poll_due",
    "read_again",
    "read_now",
    "refresh",
    "sentence_of",
]
