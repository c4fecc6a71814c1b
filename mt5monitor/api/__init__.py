"""What all routes of the JSON API share. The routes are in accounts/api and trading/api.

site.py      the API at /api/: routers, documents, errors
answers.py   JSON answers with exact decimals, and conditional ones
errors.py    every error: a status and a sentence
fallback.py  errors under /api/ of no route
limits.py    requests a caller can send, counted in Valkey
numbers.py   amounts as exact numbers, tickets as numbers and text
"""

__all__ = ["answers", "fallback", "limits", "numbers"]
