/* Keeps the rows on screen up to date. The socket is a hint, the page is the truth: after a gap the
   page is read again. Frames are described in accounts/live/frames.py.

   Other scripts may dispatch "live:watch" on document after they changed which rows are shown;
   this one dispatches "live:read" after it read the page again. Rows are in rows.js; what is done while
   there is no socket, in fallback.js. */
(() => {
  "use strict";

  // A dead socket shows within five seconds: after so many ms without a beat, and a look at most.
  const DEAD_AFTER = 4000; // there is a beat every two seconds
  const LOOK_EVERY = 1000;
  const READ_ANEW_AFTER = 15000; // ms of silence after which catching up is not tried
  const FIRST_RETRY = 500;
  const LAST_RETRY = 15000;
  const RENEWALS = 3; // after half a second, one, and two
  const RELOAD_GUARD = 60000;
  const WHOLE_EVERY = 2000; // a page that is read again whenever one of its accounts changes

  let socket = null;
  let heard = performance.now(); // when the last frame came
  let tried = heard; // when the socket was opened
  let retries = 0;
  let renewals = 0; // tries since the session of this socket ended
  let retryTimer = 0;
  let readTimer = 0;
  let reading = false;
  let readAt = -Infinity; // when it was last begun
  let readAgain = false;
  let asked = null; // the last request of htmx for what #live-body shows
  let mark = null; // {element, epoch, seq}: what this page has

  const { renew, renewDeferred, forgetDeferred, isEdited, focusIn, refocus } = window.liveRows;
  const { wasSeen, wasPolled, setClock, tick } = window.liveRows;
  const fallback = window.liveFallback;
  const find = (selector) => document.querySelector(selector);
  const body = () => find("#live-body");

  // --- the link ---------------------------------------------------------------------------------
  function show(state) {
    if (document.body.dataset.link === state) return;
    document.body.dataset.link = state;
    const badge = find("#link-badge");
    if (badge) badge.textContent = window.linkWords[state];
  }

  function connect() {
    clearTimeout(retryTimer);
    const live = find("#live");
    if (socket || !live) return;
    const url = new URL(live.dataset.socket, location.href);
    url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
    const opened = new WebSocket(url);
    socket = opened;
    tried = performance.now();
    opened.onmessage = (event) => {
      if (opened === socket) take(JSON.parse(event.data));
    };
    opened.onclose = (event) => {
      if (opened === socket) lost(event.code);
    };
  }

  function lost(code) {
    socket = null;
    if (!fallback.isOn) show(performance.now() - heard > DEAD_AFTER ? "down" : "connecting");
    if (code === 4401 && renewals < RENEWALS) {
      // The session may go on under a new key, which another tab is being given just now.
      clearTimeout(retryTimer);
      retryTimer = setTimeout(connect, FIRST_RETRY * 2 ** renewals++);
      return;
    }
    if ((code === 4401 || code === 4403) && mayReload()) {
      if (code === 4401) signIn();
      else location.reload(); // to why not
      return;
    }
    const patient = code === 4400 || code === 4429 || code === 4401 || code === 4403;
    const wait = patient ? LAST_RETRY : Math.min(LAST_RETRY, FIRST_RETRY * 2 ** retries++);
    clearTimeout(retryTimer);
    retryTimer = setTimeout(connect, wait * (0.5 + Math.random() / 2));
  }

  // By reloading one would get there too, but not be told why.
  function signIn() {
    const asked = new URLSearchParams({ next: location.pathname + location.search, ended: "1" });
    location.replace(`/login/?${asked}`);
  }

  function mayReload() {
    const last = Number(sessionStorage.getItem("live-reload")) || 0;
    sessionStorage.setItem("live-reload", String(Date.now()));
    return Date.now() - last > RELOAD_GUARD;
  }

  function drop() {
    const closing = socket;
    socket = null;
    if (!closing) return;
    // Closed while it is still being opened, each page that one leaves soon would log an error.
    if (closing.readyState !== WebSocket.CONNECTING) closing.close();
    else closing.addEventListener("open", () => closing.close());
  }

  function say(frame) {
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  }

  // --- frames -----------------------------------------------------------------------------------
  const TAKE = {
    hello(frame) {
      setClock(frame.now);
      watch();
    },
    beat(frame) {
      retries = 0;
      renewals = 0;
      setClock(frame.now);
      fallback.stop();
      show("live");
      say({ type: "ack", beat: frame.beat });
      advance(frame);
      for (const [agent, seen] of Object.entries(frame.seen)) wasSeen(agent, seen);
      for (const [agent, poll] of Object.entries(frame.polls || {})) wasPolled(agent, poll);
      tick();
    },
    rows(frame) {
      for (const [number, html] of Object.entries(frame.rows)) renew(`account-${number}`, html);
      for (const [agent, html] of Object.entries(frame.agents)) renew(`agent-${agent}`, html);
      advance({ ...frame, epoch: mark && mark.epoch });
      if (find("#live").dataset.page === "versus") readWhole();
      tick();
    },
    totals(frame) {
      const totals = find("#totals");
      if (totals) totals.innerHTML = frame.html;
    },
    account(frame) {
      renew("account-panel", frame.html);
      tick();
    },
    note(frame) { document.dispatchEvent(new Event(`live:${frame.name}`)); },
    reread(frame) { readSoon(frame.within_ms); },
    bye() {},
  };

  function take(frame) {
    heard = performance.now();
    if (TAKE[frame.type]) TAKE[frame.type](frame);
  }

  function advance(frame) {
    if (mark && frame.epoch === mark.epoch) mark.seq = Math.max(mark.seq, frame.seq);
  }

  function numbers(name) {
    const shown = body().querySelectorAll(`[data-${name}]`);
    const found = new Set([...shown].map((element) => Number(element.dataset[name])));
    found.delete(0);
    return [...found];
  }

  function watch() {
    const live = find("#live");
    if (!live) return;
    if (!mark || mark.element !== live) {
      mark = { element: live, epoch: live.dataset.epoch, seq: Number(live.dataset.seq) || 0 };
    }
    say({
      type: "watch",
      page: live.dataset.page,
      rows: ["fleet", "versus"].includes(live.dataset.page) ? numbers("account") : [],
      agents: numbers("agent"),
      account: Number(live.dataset.account) || null,
      query: live.dataset.query,
      epoch: mark.epoch,
      seq: mark.seq,
    });
  }

  // --- reading the page again -------------------------------------------------------------------
  function readSoon(within) {
    if (!readTimer) readTimer = setTimeout(read, Math.random() * within);
  }

  // Versus are made of several rows; their page has none of its own that could be replaced.
  function readWhole() {
    if (!readTimer) readTimer = setTimeout(read, Math.max(0, readAt + WHOLE_EVERY - performance.now()));
  }

  async function read() {
    readTimer = 0;
    if (reading) { readAgain = true; return; }
    if (isEdited(body())) { readTimer = setTimeout(read, 1000); return; }
    reading = true;
    readAt = performance.now();
    try {
      const signal = AbortSignal.timeout(LAST_RETRY);
      const { href } = location;
      const answer = await fetch(href, { headers: { "HX-Request": "true" }, cache: "no-store", signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      // Asked again: by now another sort or filter may be shown or on its way, an editor be open, or a link be pressed.
      if (location.href !== href || isOnItsWay()) readAgain = true;
      else if (isEdited(body())) readTimer = setTimeout(read, 1000);
      else replaceBody(answer, page.querySelector("#live-body"));
      fallback.wasRead(true);
    } catch {
      fallback.wasRead(false);
      readTimer = setTimeout(read, LAST_RETRY * (0.5 + Math.random() / 2));
    } finally {
      reading = false;
    }
    if (readAgain) { readAgain = false; readSoon(1000); }
  }

  // What the user asked for goes into the body that was there when it was asked for.
  function isOnItsWay() {
    return [1, 2, 3].includes(asked?.readyState);
  }

  document.addEventListener("htmx:beforeSend", ({ detail }) => {
    if (detail.target === body()) asked = detail.xhr;
  });

  function replaceBody(answer, fresh) {
    if (!fresh) {
      if (answer.status < 500 && mayReload()) location.reload(); // signed out, or not allowed
      else throw new Error("no page");
      return;
    }
    const old = body();
    const focus = focusIn(old);
    const chosen = new Set([...old.querySelectorAll("input:checked")].map(({ name, value }) => `${name} ${value}`));
    old.replaceWith(fresh);
    for (const box of fresh.querySelectorAll("input[type=checkbox]")) {
      if (chosen.has(`${box.name} ${box.value}`)) box.checked = true;
    }
    if (window.htmx) window.htmx.process(fresh);
    refocus(focus);
    forgetDeferred();
    tick();
    watch();
    document.dispatchEvent(new Event("live:read"));
  }

  // --- time and tabs ----------------------------------------------------------------------------
  function look() {
    const silence = performance.now() - heard;
    if (silence > DEAD_AFTER) {
      if (!fallback.isOn) show("down");
      fallback.start(HOOKS);
      if (socket && performance.now() - tried > DEAD_AFTER) { drop(); lost(0); }
    }
    fallback.look();
    if (!document.hidden) tick();
    renewDeferred();
  }

  const HOOKS = {
    url: "/events/accounts?interval=2&seen=1",
    show,
    reread: readWhole,
    seen({ now, agents }) {
      setClock(now);
      for (const [agent, seen] of Object.entries(agents)) wasSeen(agent, seen);
      tick();
    },
  };

  function wake() {
    // Of the few connections that a browser opens to one server, a page that nobody sees needs none.
    if (document.hidden) { fallback.stop(); return; }
    if (performance.now() - heard > READ_ANEW_AFTER) readSoon(250);
    look();
    if (!socket) { retries = 0; connect(); }
  }

  document.addEventListener("live:watch", watch);
  document.addEventListener("htmx:afterSettle", () => {
    if (mark && find("#live") && find("#live") !== mark.element) { tick(); watch(); }
  });
  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  window.addEventListener("pagehide", () => { clearTimeout(retryTimer); fallback.stop(); drop(); });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) { drop(); readSoon(0); connect(); }
  });
  setInterval(look, LOOK_EVERY);
  show("connecting");
  tick();
  connect();
})();
