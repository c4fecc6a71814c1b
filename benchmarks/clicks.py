"""From one person's click to its outcome on the page of another: a real Chromium on a real Daphne.

The click is the confirmed form of a ticket, posted over HTTP; the agent is a simulated one in a
process of its own. The other browser shows that account; it notes when the new order's row says
"done". Nothing is polled, so that nothing else has the page drawn.
"""

import argparse
import http.client
import os
import time
import urllib.parse
from pathlib import Path
from typing import Any

from benchmarks.bench import percentiles, process, setup, table, valkey
from benchmarks.live import session_key, web
from benchmarks.trades import ACCOUNTS, make_desk

COLUMNS = ("contract", "clicks", "", "p50, ms", "p95", "p99")
WARM = 5
WITHIN_S = 15.0
# When each order's row first said that it was done, in milliseconds of the machine's clock.
WATCH = """() => {
  window.done = {};
  const look = () => {
    for (const row of document.querySelectorAll('tr[id^="order-"]')) {
      const state = row.querySelector('.order-state');
      if (state && state.textContent.trim() === 'done' && !(row.id in window.done)) {
        window.done[row.id] = performance.timeOrigin + performance.now();
      }
    }
  };
  look();
  new MutationObserver(look).observe(document.body,
    {childList: true, subtree: true, characterData: true});
}"""


def click(port: int, session: str, number: int, key: str) -> tuple[float, float]:
    """When it began and when its own page answered, in milliseconds of the machine's clock."""
    form = {"symbol": "EURUSD", "side": "BUY", "volume": "0.01", "step": "send", "client_key": key}
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": f"session={session}; csrf={'c' * 32}",
        "X-CSRFToken": "c" * 32,
    }
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    line.connect()
    began = time.time() * 1000
    line.request("POST", f"/accounts/{number}/open/", urllib.parse.urlencode(form), headers)
    answer = line.getresponse()
    answer.read()
    ended = time.time() * 1000
    assert answer.status == 200, answer.status
    line.close()
    return began, ended


def seen(page: Any, pk: int) -> float:
    found = page.wait_for_function(
        f"() => window.done['order-{pk}']", timeout=WITHIN_S * 1000, polling=50
    )
    return float(found.json_value())


def measure(page: Any, port: int, session: str, account: Any, count: int) -> list[list[object]]:
    from trading.models import Order

    page.goto(f"http://127.0.0.1:{port}/accounts/{account.number}/")
    page.wait_for_selector("#new-order")
    page.wait_for_timeout(1000)
    page.evaluate(WATCH)
    own, others = [], []
    for n in range(count + WARM):
        key = f"click-{account.number}-{n}"
        began, ended = click(port, session, account.number, key)
        order = Order.objects.get(client_key=key)
        assert order.state == "filled", order.reason
        others.append(seen(page, order.pk) - began)
        own.append(ended - began)
    told = (("own page", own), ("another browser", others))
    contract = account.agent.contract
    return [[contract, count, name, *percentiles(times[WARM:])] for name, times in told]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clicks", type=int, default=60)
    options = parser.parse_args()
    os.environ["TRADING_ENABLED"] = "1"
    folder = setup()
    rows = run(folder, options.clicks)
    table("From a click to its outcome on another browser", COLUMNS, rows)


def run(folder: Path, count: int) -> list[list[object]]:
    from django.core.management import call_command
    from playwright.sync_api import sync_playwright

    from mt5monitor.stack.fleet import free_port
    from tests import chromium

    call_command("collectstatic", interactive=False, verbosity=0)
    argv = ["agent.fleet", "--agents", str(ACCOUNTS), "--port", "0", "--same-shape"]
    port = free_port()
    # Rows are read between the steps of a browser whose loop runs in this thread.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with (
        valkey(),
        process(*argv, "--secret-seed", "demo", ready=f"{ACCOUNTS} simulated") as line,
        sync_playwright() as playwright,
    ):
        desk, session = make_desk(line.rpartition(" ")[2].rstrip("/")), session_key()
        found = chromium.find_or_install()
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=found, args=arguments)
        with web(folder, port):
            context = browser.new_context()
            address = f"http://127.0.0.1:{port}"
            context.add_cookies([{"name": "session", "value": session, "url": address}])
            page = context.new_page()
            rows = [
                row
                for contract in ("1", "2")
                for row in measure(page, port, session, desk[contract][0], count)
            ]
        browser.close()
    return rows


if __name__ == "__main__":
    main()
