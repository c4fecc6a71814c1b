"""The whole stack on one machine: `python -m mt5monitor.stack demo|run`, what make calls; and each
of its processes alone, which lines of the Procfile call.

The supervisor starts and watches everything else and imports no Django, so that it stays small:

    environment.py  what the environment asks for, and whether it can be had
    lock.py         one stack a STATE_DIR
    refused.py      the error that stops a start
    programs.py     which processes, with which command lines
    alone.py        one of them without a supervisor
    child.py        one process: started, watched, ended; children.py: all of them
    output.py       what a process prints: to its log, the worst of it to the screen
    guard.py        ends everything if the supervisor itself is killed
    supervisor.py   order of start and end, restarts
    pulses.py       whether the workers still do what they are given
    pages.py        whether pages answer
    valkey.py, fleet.py   the servers that the stack brings along
    prepare.py, demo.py   the database; these run as children, with Django
"""

__all__ = ["environment", "fleet", "programs", "valkey"]
