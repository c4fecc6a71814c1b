// The operations log, live: lines arrive as they would have been rendered, the newest on top.
(() => {
  const table = document.getElementById("log");
  const lines = document.getElementById("log-lines");
  const badge = document.getElementById("log-badge");
  const pause = document.getElementById("log-pause");
  if (!table || !window.EventSource) return;
  const most = Number(table.dataset.most);
  let waiting = [];
  let paused = false;

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
  const source = new EventSource(`${table.dataset.events}?${query}`);
  const tell = (text, state) => {
    badge.textContent = text;
    badge.dataset.state = state;
  };
  source.onopen = () => tell("Live", "live");
  source.onerror = () =>
    source.readyState === EventSource.CLOSED ? tell("Ended", "off") : tell("Reconnecting", "wait");
  source.addEventListener("bye", (event) => {
    source.close();
    tell(JSON.parse(event.data).reason, "off");
  });
  source.addEventListener("line", (event) => {
    waiting.push(event.data);
    if (waiting.length > most) waiting.shift();
    if (!paused) show();
    else pause.textContent = `Go on (${waiting.length} new)`;
  });
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused) show();
    else pause.textContent = "Go on";
  });
})();
