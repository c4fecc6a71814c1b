"""The fleet as people see it: which accounts and agents, in which order, and what a row shows.

columns.py        the columns of accounts, each declared once; column.py says how
agent_columns.py  the columns of agents; account_cells.py: special cells of accounts
states.py         the states of agents and accounts, and their words
listing.py        what every list reads from its query string; paging.py which part of it
query.py          what a query string asks for, and the accounts that answer to it
agent_list.py     the same for agents
rows.py           what a row shows, prepared as text
formatting.py     figures as text; unknown is never a zero
totals.py         sums over the fleet, of fresh readings only
panel.py          the page of one account
fragments.py      parts of pages, rendered by the templates that the pages use
suggestions.py    pairs that would make a VS group
"""

__all__ = [
    "agent_list",
    "column",
    "columns",
    "formatting",
    "fragments",
    "listing",
    "panel",
    "query",
    "rows",
    "states",
    "suggestions",
    "totals",
]
