"""The admin: one module a kind of row. Importing them registers them."""

from accounts.admin import accounts, agents, conflicts, labels, sign_ins, tokens, users

__all__ = ["accounts", "agents", "base", "conflicts", "labels", "sign_ins", "tokens", "users"]
