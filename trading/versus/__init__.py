"""Versus: the same size bought and sold on account A (freeze), then one side moved to B (transfer).

states.py                         the states, and which may follow which
plan.py                           what comes next, one of actions.py: a function of the stored rows
driver.py                         does what the plan says, until it has to wait
desk.py                           what people do: create, schedule, run, cancel, close both
schedule.py                       what beat does: begins what is due, misses what is late
checks.py                         what speaks against it: one check.py each
legs.py                           what its orders say happened
holdings.py                       which legs the brokers still hold
levels.py                         from money to price levels, and back
matching.py                       whether the legs hedge each other
preview.py                        the next step, at the prices of now
changes.py                        the one way to another state
form.py, zones.py                 what a user types
card.py, timeline.py, buttons.py  what a page shows, and lets people do
archive.py, ended_list.py         those that have ended
"""

__all__ = [
    "archive",
    "buttons",
    "card",
    "changes",
    "check",
    "desk",
    "ended_list",
    "form",
    "legs",
    "levels",
    "preview",
    "schedule",
    "states",
    "zones",
]
