/* What keeps a page up to date while its socket does not: server-sent events, and where these do not
   come either, reading the page again every few seconds. Both only say when to read: the page is the
   truth. live.js starts and stops it; the stream is shared by all pages of a browser, see events.js. */
(() => {
  "use strict";

  const EVENTS = ["seen", "reload", "account_update", "agent_status"];
  const SILENT = 6000; // ms; the server says something every two seconds
  const OPEN_AGAIN = 6000;
  const CHOICES = [2, 5, 15]; // seconds between two readings
  const KEPT = "poll-seconds";

  let hooks = null; // {show, reread, seen}
  let active = false;
  let source = null;
  let isUp = false; // events come
  let heard = 0; // when the last one did, or the stream was opened
  let openAt = 0; // when to try it next
  let pollTimer = 0;

  // --- events -----------------------------------------------------------------------------------
  function open() {
    const opened = new window.SharedEvents(hooks.url, EVENTS);
    source = opened;
    heard = performance.now();
    const on = (name, act) => opened.addEventListener(name, (event) => {
      if (opened !== source) return;
      heard = performance.now();
      rise();
      act(event);
    });
    on("seen", (event) => hooks.seen(JSON.parse(event.data)));
    // A stream began: what happened before it, or between it and another page's, is read.
    for (const name of ["hello", "reload", "account_update", "agent_status"]) on(name, () => hooks.reread());
    opened.addEventListener("error", () => { if (opened === source) fall(); });
  }

  function rise() {
    if (isUp) return;
    isUp = true;
    stopPolling();
    hooks.show("events");
  }

  function fall() {
    close();
    openAt = performance.now() + OPEN_AGAIN * (0.5 + Math.random() / 2);
    if (!pollTimer) poll();
  }

  function close() {
    if (source) source.close();
    source = null;
    isUp = false;
  }

  // --- polling ----------------------------------------------------------------------------------
  function seconds() {
    const kept = Number(localStorage.getItem(KEPT));
    return CHOICES.includes(kept) ? kept : CHOICES[1];
  }

  function poll() {
    clearTimeout(pollTimer);
    pollTimer = setTimeout(poll, seconds() * 1000);
    hooks.reread();
  }

  function stopPolling() {
    clearTimeout(pollTimer);
    pollTimer = 0;
    control().hidden = true;
  }

  function control() {
    const found = document.getElementById("link-poll");
    if (found) return found;
    const select = document.createElement("select");
    select.id = "link-poll";
    select.hidden = true;
    select.setAttribute("aria-label", "Read again every");
    for (const choice of CHOICES) select.add(new Option(`${choice} s`, String(choice)));
    select.value = String(seconds());
    select.addEventListener("change", () => {
      localStorage.setItem(KEPT, select.value);
      if (pollTimer) poll();
    });
    document.getElementById("link-badge").after(select);
    return select;
  }

  window.liveFallback = {
    get isOn() { return active; },
    start(given) {
      if (active || document.hidden || !document.getElementById("link-badge")) return;
      hooks = given;
      active = true;
      open();
    },
    stop() {
      if (!active) return;
      active = false;
      close();
      stopPolling();
    },
    /* Once in a while. */
    look() {
      if (!active) return;
      const now = performance.now();
      if (source && now - heard > SILENT) fall();
      else if (!source && now > openAt) open();
    },
    /* The page was read again, or could not be. */
    wasRead(worked) {
      if (!pollTimer || isUp) return;
      hooks.show(worked ? "polling" : "down");
      control().hidden = !worked;
    },
  };
})();
