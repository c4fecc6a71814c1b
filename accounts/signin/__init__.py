"""Who a user is, and how that was shown: passwords, second factors, passkeys, devices.

forms.py          what users type to sign in or to confirm
second_factor.py  authenticator app and recovery codes
passkeys.py       passkeys beside the app
mfa_required.py   who needs a second factor; the middleware that asks for it
proofs.py         how a user was proven, recorded, and whether it still counts
step_up.py        asking again before a sensitive action
rate_limit.py     attempts, counted by user, device and network
devices.py        devices that a user has signed in with
hashing.py        passwords, a few at a time
token_form.py     API tokens that users make for themselves
"""

__all__ = [
    "devices",
    "forms",
    "hashing",
    "mfa_required",
    "passkeys",
    "proofs",
    "rate_limit",
    "second_factor",
    "step_up",
    "token_form",
]
