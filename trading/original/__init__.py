"""Moving in from the original system: its files are read, what they mean here is planned, and the
plan is written whole or not at all.

moving.py    the whole import
files.py     the files
strict.py    JSON, read strictly
envfile.py   its .env file
agents.py    agents
labels.py    phases and VS groups
hands.py     who changed a label last
pairs.py     who is in which VS group
versus.py    versus
entries.py   one entry of versus_data.json
stops.py     stops of a versus as money
trades.py    closed trades
plan.py      what will be written
report.py    what was taken, changed, kept and skipped
applying.py  writes the plan
"""

__all__ = ["moving", "strict"]
