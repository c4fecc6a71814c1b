"""The web server: Daphne, with limits for what a request may be before it is one.

Daphne keeps a whole request, of any size and at any pace, before the application sees the first
byte of it. So what is too large or too slow is refused here, by the protocol below it.

server.py     Daphne's server and command line on our connections
channel.py    one connection: what it sends is counted and timed
bodies.py     sizes of bodies, by path and in total
waiting.py    connections without a whole request
request.py    one request, as the application gets it
forwarded.py  what a proxy says of the caller
socket.py     sizes of messages on WebSockets
"""
