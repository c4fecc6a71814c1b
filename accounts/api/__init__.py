"""The JSON API of accounts and agents, with the routes and names of the original system."""

__all__ = ["accounts", "caller", "reads", "shapes"]
