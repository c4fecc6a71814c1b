"""The JSON API of accounts and agents, with the routes and names of the original system.

accounts.py  list, refresh, phase and VS group of accounts
agents.py    agents, and what is known altogether
shapes.py    the JSON of accounts and agents
caller.py    who calls, and their permissions: a token, or a session
sign_in.py   signing in for a token
tokens.py    looking up a token, limits on wrong ones
reads.py     how often agents were read for the API
"""

__all__ = ["accounts", "caller", "reads", "shapes"]
