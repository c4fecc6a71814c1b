"""The web server: Daphne, with limits for what a request may be before it is one.

Daphne keeps a whole request, of any size and at any pace, before the application sees the first
byte of it. So what is too large or too slow is refused here, by the protocol below it.
"""
