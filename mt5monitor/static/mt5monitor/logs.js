// The operations log, live: lines arrive as they would have been rendered, the newest on top. A page
// that nobody sees has no stream, and where other pages of this browser have too many open already,
// the page is read again every few seconds instead.
(() => {
  const STREAMS = 3; // of the six connections that a browser keeps to one server
  const POLL_EVERY = 5000;
  const table = document.getElementById("log");
  const lines = document.getElementById("log-lines");
  const badge = document.getElementById("log-badge");
  const pause = document.getElementById("log-pause");
  if (!table || !window.EventSource) return;
  const most = Number(table.dataset.most);
  let waiting = [];
  let paused = false;
  let source = null;
  let timer = 0;
  const words = window.linkWords;
  const slots = new window.StreamSlots(STREAMS);

  const show = () => {
    for (const html of waiting.splice(0)) {
      const part = document.createElement("template");
      part.innerHTML = html;
      lines.prepend(part.content);
    }
    while (lines.rows.length > most) lines.deleteRow(-1);
    document.getElementById("log-empty").hidden = lines.rows.length > 0;
    pause.textContent = "Pause";
  };

  const query = new URLSearchParams(table.dataset.query);
  query.set("after", table.dataset.after);
  query.set("interval", "1");
  const tell = (text, state) => {
    badge.textContent = text;
    badge.dataset.state = state;
  };
  const follow = () => {
    const opened = new EventSource(`${table.dataset.events}?${query}`);
    source = opened;
    opened.onopen = () => tell(words.live, "live");
    opened.onerror = () => {
      if (opened.readyState !== EventSource.CLOSED) return tell(words.reconnecting, "wait");
      leave();
      tell(words.ended, "off");
    };
    opened.addEventListener("hello", (event) => query.set("after", event.lastEventId));
    opened.addEventListener("bye", (event) => {
      leave();
      tell(JSON.parse(event.data).reason, "off");
    });
    opened.addEventListener("line", (event) => {
      query.set("after", event.lastEventId);
      waiting.push(event.data);
      if (waiting.length > most) waiting.shift();
      if (!paused) show();
      else pause.textContent = `Go on (${waiting.length} new)`;
    });
  };
  const poll = async () => {
    tell(words.polling, "wait");
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("log");
      if (!fresh) throw new Error("no page");
      if (!paused) {
        lines.replaceChildren(...page.getElementById("log-lines").children);
        document.getElementById("log-empty").hidden = lines.rows.length > 0;
        query.set("after", fresh.dataset.after);
      }
    } catch {
      tell(words.away, "off");
    }
  };
  // Takes a stream, or reads once and asks again later.
  const begin = async () => {
    clearTimeout(timer);
    if (source || document.hidden) return;
    if (await slots.take()) {
      if (!source && !document.hidden) follow();
      else if (!source) slots.free(); // hidden meanwhile
      return;
    }
    await poll();
    clearTimeout(timer);
    timer = setTimeout(begin, POLL_EVERY);
  };
  const leave = () => {
    clearTimeout(timer);
    if (source) source.close();
    source = null;
    slots.free();
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : begin()));
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) begin();
  });
  begin();
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused) show();
    else pause.textContent = "Go on";
  });
})();
