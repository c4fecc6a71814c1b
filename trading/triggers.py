"""The database itself keeps the journal append-only, on SQLite and on PostgreSQL.

No event is changed or deleted. No order is deleted; what it asked never changes; an order that
ended stays so, but for one that turns out to have executed after all.
"""

from collections.abc import Sequence

from django.db.backends.base.base import BaseDatabaseWrapper

from trading.states import LOCKING, State

EVENTS, ORDERS, TIMELINE = "trading_orderevent", "trading_order", "trading_versusevent"
TABLES = (EVENTS, ORDERS, TIMELINE)
STILL_OPEN = sorted({*LOCKING, State.QUEUED})
FINAL = sorted({State.FILLED, State.PARTIAL, State.LATE_FILL})


def _asked_changed(asked: Sequence[str], differs: str) -> str:
    return " OR ".join(f'NEW."{column}" {differs} OLD."{column}"' for column in asked)


def _leaves_end() -> str:
    still_open = ", ".join(f"'{state}'" for state in STILL_OPEN)
    final = ", ".join(f"'{state}'" for state in FINAL)
    return (
        f"NEW.state <> OLD.state AND OLD.state NOT IN ({still_open}) "
        f"AND (NEW.state <> 'late-fill' OR OLD.state IN ({final}))"
    )


def _rules(asked: Sequence[str], differs: str) -> list[tuple[str, str, str, str, str]]:
    """Name, table, event, condition, message."""
    return [
        ("events_stay", EVENTS, "DELETE", "", "events of orders are never deleted"),
        ("events_never_change", EVENTS, "UPDATE", "", "events of orders never change"),
        ("orders_stay", ORDERS, "DELETE", "", "orders are never deleted"),
        (
            "orders_keep_what_was_asked",
            ORDERS,
            "UPDATE",
            _asked_changed(asked, differs),
            "what an order asks never changes",
        ),
        ("ended_orders_stay_ended", ORDERS, "UPDATE", _leaves_end(), "this order has ended"),
        ("timelines_stay", TIMELINE, "DELETE", "", "timelines of versus are never deleted"),
        ("timelines_never_change", TIMELINE, "UPDATE", "", "timelines of versus never change"),
    ]


def create(
    connection: BaseDatabaseWrapper, asked: Sequence[str], *, tables: Sequence[str] = TABLES
) -> None:
    """`asked`: the columns that say what an order asks. A migration has its own list of them, and
    of the tables that there are."""
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        differs = "IS DISTINCT FROM" if postgres else "IS NOT"
        for name, table, event, condition, message in _rules(asked, differs):
            if table not in tables:
                continue
            when = f"WHEN ({condition})" if condition else ""
            if postgres:
                cursor.execute(
                    f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
                    f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$"
                )
                then = f"EXECUTE FUNCTION {name}()"
            else:
                then = f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            cursor.execute(
                f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW {when} {then}"
            )


def drop(connection: BaseDatabaseWrapper) -> None:
    postgres = connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        for name, table, *_ in _rules((), ""):
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if postgres else ""))
            if postgres:
                cursor.execute(f"DROP FUNCTION IF EXISTS {name}()")
