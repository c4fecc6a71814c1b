/* Rows on screen: replaced by fresh ones without disturbing whoever works in them, with the changed
   cells flashing and the ages ticking. live.js says when. A row, or a part of it, that carries
   data-editing, or a field with the focus, or is being pressed, is left alone until that is over. */
(() => {
  "use strict";

  const FLASH = 1200;
  const CLOCKS_DIFFER = 5; // s

  let clock = 0; // server's clock minus ours, ms
  let isClockKnown = false;
  const deferred = new Map(); // row id -> html, while somebody edits in that row

  let pressed = null; // replaced between press and release, it would never be clicked

  const body = () => document.querySelector("#live-body");

  function isEdited(element) {
    if (!element) return false;
    if (pressed && element.contains(pressed)) return true;
    if (element.matches("[data-editing]") || element.querySelector("[data-editing]")) return true;
    const active = document.activeElement;
    return element.contains(active) && active.matches("select, textarea, input:not([type=checkbox])");
  }

  function renew(id, html) {
    const old = document.getElementById(id);
    if (!old) return;
    if (isEdited(old)) { deferred.set(id, html); return; }
    deferred.delete(id);
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = template.content.firstElementChild;
    const focus = focusIn(old);
    if (old.tagName === "TR" && old.children.length === fresh.children.length) renewCells(old, fresh);
    else renewWhole(old, fresh);
    refocus(focus);
  }

  /* Cell by cell, so that whatever did not change keeps its state. */
  function renewCells(old, fresh) {
    for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of [...fresh.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    [...fresh.children].forEach((cell, index) => {
      const before = old.children[index];
      if (before.outerHTML === cell.outerHTML) return;
      keepState(before, cell);
      before.replaceWith(cell);
      flash(before, cell);
      if (window.htmx) window.htmx.process(cell);
    });
  }

  function renewWhole(old, fresh) {
    const before = new Map([...old.querySelectorAll("[data-cell]")].map((cell) => [cell.dataset.cell, cell]));
    keepState(old, fresh);
    old.replaceWith(fresh);
    for (const cell of fresh.querySelectorAll("[data-cell]")) {
      if (before.has(cell.dataset.cell)) flash(before.get(cell.dataset.cell), cell);
    }
    if (window.htmx) window.htmx.process(fresh);
  }

  function keepState(old, fresh) {
    const boxes = [...old.querySelectorAll("input[type=checkbox]")];
    fresh.querySelectorAll("input[type=checkbox]").forEach((box, index) => {
      if (boxes[index]) box.checked = boxes[index].checked;
    });
    const folds = [...old.querySelectorAll("details")];
    fresh.querySelectorAll("details").forEach((fold, index) => {
      if (folds[index]) fold.open = folds[index].open;
    });
  }

  function flash(old, cell) {
    if (document.hidden || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    if (!cell.dataset.cell || cell.querySelector("[data-age]") || "next" in cell.dataset) return;
    if (old.textContent === cell.textContent) return;
    const rise = Number(cell.dataset.value) - Number(old.dataset.value);
    const classes = ["flash"];
    if (rise) classes.push(rise > 0 ? "flash-up" : "flash-down"); // not for NaN
    cell.classList.add(...classes);
    setTimeout(() => cell.classList.remove(...classes), FLASH);
  }

  /* Which control has the focus, in words that still mean something after it was replaced. */
  function focusIn(element) {
    const active = document.activeElement;
    if (!active || active === document.body || !element.contains(active)) return null;
    if (active.id) return { row: "", selector: `#${CSS.escape(active.id)}`, active };
    const row = active.closest("[id]");
    const cell = active.closest("[data-cell]");
    const within = cell ? `[data-cell="${CSS.escape(cell.dataset.cell)}"] ` : "";
    return { row: row ? row.id : "", selector: within + active.tagName.toLowerCase(), active };
  }

  function refocus(focus) {
    if (!focus || focus.active.isConnected) return;
    const row = focus.row ? document.getElementById(focus.row) : document;
    const control = row && row.querySelector(focus.selector);
    if (control) control.focus({ preventScroll: true });
  }

  function renewDeferred() {
    for (const [id, html] of [...deferred]) renew(id, html);
  }

  function release() {
    // After the click, which comes only now.
    setTimeout(() => { pressed = null; renewDeferred(); });
  }

  document.addEventListener("pointerdown", (event) => { pressed = event.target; });
  for (const over of ["pointerup", "pointercancel", "dragend"]) document.addEventListener(over, release);

  // --- ages -------------------------------------------------------------------------------------
  function withAgent(agent) { return body().querySelectorAll(`[data-agent="${agent}"]`); }

  function seconds() { return (Date.now() + clock) / 1000; }

  function isAhead(at) { return isClockKnown && at - seconds() > CLOCKS_DIFFER; }

  function wasSeen(agent, seen) {
    for (const row of withAgent(agent)) {
      // One that lies ahead was written before the server's clock was set back.
      if (Number(row.dataset.seen) > seen && !isAhead(Number(row.dataset.seen))) continue;
      const at = String(Math.floor(seen));
      if (row.dataset.seen !== at) row.dataset.seen = at;
      if (row.querySelector(".s-online")) row.removeAttribute("data-stale");
    }
  }

  function wasPolled(agent, poll) {
    for (const row of withAgent(agent)) {
      const latency = row.querySelector("[data-cell=latency]");
      const next = row.querySelector("[data-next]");
      if (latency && poll.latency_ms !== null) latency.textContent = `${Math.round(poll.latency_ms).toLocaleString("en")} ms`;
      if (next && poll.next !== null) next.dataset.next = String(poll.next);
    }
  }

  function span(seconds) {
    for (const [unit, size] of [["d", 86400], ["h", 3600], ["min", 60]]) {
      if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
    }
    return `${Math.max(0, Math.floor(seconds))} s`;
  }

  function put(element, text) { if (element.textContent !== text) element.textContent = text; }

  function tick() {
    const live = body();
    if (!live) return;
    const now = seconds();
    for (const time of live.querySelectorAll("[data-age]")) {
      const holder = time.closest("[data-seen]");
      if (holder && holder.dataset.seen) put(time, span(now - Number(holder.dataset.seen)));
    }
    for (const cell of live.querySelectorAll("[data-next]")) {
      const left = Number(cell.dataset.next) - now;
      if (cell.dataset.next) put(cell, left < 1 ? "now" : `in ${span(left)}`);
    }
    for (const row of live.querySelectorAll("[data-stale-after]")) {
      const seen = Number(row.dataset.seen);
      const old = row.dataset.seen && (now - seen > Number(row.dataset.staleAfter) || isAhead(seen));
      row.classList.toggle("is-stale", row.hasAttribute("data-stale") || Boolean(old));
    }
  }

  function setClock(now) {
    clock = now * 1000 - Date.now();
    isClockKnown = true;
  }

  window.liveRows = {
    renew,
    renewDeferred,
    forgetDeferred: () => deferred.clear(),
    isEdited,
    focusIn,
    refocus,
    wasSeen,
    wasPolled,
    setClock,
    tick,
  };
})();
