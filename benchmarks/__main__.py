"""All measurements, or those that are named: `python -m benchmarks sweep page`."""

import subprocess
import sys

ALL = (
    "sweep",
    "page",
    "isolation",
    "live",
    "idle_close",
    "trades",
    "clicks",
    "versus",
    "chaos",
    "versus_chaos",
    "api",
    "streams",
)


def main() -> int:
    names = sys.argv[1:] or ALL
    if unknown := set(names) - set(ALL):
        print(f"No such measurement: {', '.join(sorted(unknown))}. There are: {', '.join(ALL)}.")
        return 2
    # Each in a process of its own: none inherits another's connections, caches or database.
    codes = [subprocess.call([sys.executable, "-m", f"benchmarks.{name}"]) for name in names]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
