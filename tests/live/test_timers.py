"""What the page's own script promises about time."""

import re
from pathlib import Path

from django.conf import settings


def test_the_timers_of_the_page_keep_the_promise_of_five_seconds() -> None:
    script = Path(settings.BASE_DIR, "mt5monitor/static/mt5monitor/live.js").read_text()
    dead_after, look_every = (
        int(re.findall(rf"const {name} = (\d+);", script)[0])
        for name in ("DEAD_AFTER", "LOOK_EVERY")
    )
    assert dead_after + look_every <= 5000
    # And a beat that the database keeps waiting is no reason to call the socket dead.
    assert dead_after > settings.LIVE_BEAT_S * 1.5 * 1000
