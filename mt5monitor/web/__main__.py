"""`python -m mt5monitor.web`, with the options of `daphne`."""

from mt5monitor.web.server import CommandLine

if __name__ == "__main__":
    CommandLine.entrypoint()
