// The window of trading: tickets, confirmations, outcomes. Every link that it opens is a page of
// its own too, so all of it works without this script. The server decides; nothing is kept here.
"use strict";
(() => {
  const { byId } = page;
  const dialog = byId("trade");
  if (!dialog) return;
  const SWITCH_MS = 3000; // how long a page that hears nothing may show the switch as it was
  let turn = 0; // of the link that is waited for; one more when the window is closed meanwhile
  const WAIT_MS = 400; // before a window opens that has nothing to show yet
  let opener = ""; // id of the link that opened it: the row may have been drawn anew since

  async function open(link) {
    if (!dialog.open) opener = link.id;
    const here = { source: dialog, target: dialog, swap: "innerHTML settle:0ms" };
    // An agent that is slow to tell its quote is waited for in sight, and can be left alone.
    const waiting = setTimeout(wait, WAIT_MS);
    const mine = ++turn;
    await htmx.ajax("GET", link.getAttribute("href"), here);
    clearTimeout(waiting);
    if (mine !== turn) return dialog.open || dialog.replaceChildren();
    if (dialog.querySelector(".waiting")) return dialog.close(); // why is said in a toast
    if (!dialog.firstElementChild) return;
    if (!dialog.open) dialog.showModal();
    focusFirst();
  }

  function wait() {
    if (dialog.open) return;
    const told = document.createElement("p");
    told.className = "waiting";
    told.setAttribute("role", "status");
    told.textContent = "Asking the agent for its quote…";
    dialog.replaceChildren(told);
    dialog.showModal();
  }

  function focusFirst() {
    const wrong = dialog.querySelector("[aria-invalid]");
    (wrong ?? dialog.querySelector("[data-first]:not(:disabled)") ?? dialog.querySelector("input:not([type=hidden]), button"))?.focus();
  }

  function closeSelected(button) {
    const bulk = byId("bulk");
    const before = bulk.getAttribute("action");
    bulk.setAttribute("action", button.dataset.closeSelected);
    // A whole page, not a fragment: what is about to happen needs room to be read.
    HTMLFormElement.prototype.submit.call(bulk);
    bulk.setAttribute("action", before);
  }

  // --- the switch -----------------------------------------------------------------------------
  // Others turn it while this page is open. What holds orders back is the server; this only tells.
  async function readSwitch() {
    const shown = byId("trading-state");
    if (document.hidden || !shown) return;
    const answer = await fetch("/trading/state/", { redirect: "error" });
    if (!answer.ok) return;
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    const fresh = template.content.firstElementChild;
    const before = byId("trading-state");
    if (!fresh || before.outerHTML === fresh.outerHTML) return;
    const focused = before === document.activeElement;
    before.replaceWith(fresh);
    if (focused) fresh.focus();
  }

  const lookAtSwitch = () => readSwitch().catch(() => {}); // the page says by itself that it is cut off
  for (const told of ["live:switch", "live:read"]) document.addEventListener(told, lookAtSwitch);
  setInterval(() => { if (document.body.dataset.link !== "live") lookAtSwitch(); }, SWITCH_MS);
  document.addEventListener("visibilitychange", lookAtSwitch);

  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    const link = event.target.closest("a[data-trade]");
    const selected = event.target.closest("[data-close-selected]");
    if (selected) closeSelected(selected);
    else if (event.target.closest("[data-trade-close]")) dialog.close();
    else if (link && (dialog.contains(link) || !link.closest("main > .ticket"))) {
      event.preventDefault();
      open(link);
    }
  });

  // A second click on what is being sent. The key of the form makes it harmless; this spares the wait.
  document.addEventListener("submit", (event) => {
    const form = event.target.closest(".ticket form");
    if (!form) return;
    if (form.dataset.sent) event.preventDefault();
    if (event.submitter?.value === "send" || event.submitter?.classList.contains("danger")) form.dataset.sent = "";
  });
  window.addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll(".ticket form")) delete form.dataset.sent;
  });
  dialog.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) for (const form of dialog.querySelectorAll("form")) delete form.dataset.sent;
  });

  // What was wrong with a field says nothing about what is typed there since.
  document.addEventListener("input", (event) => {
    const field = event.target.closest(".ticket [aria-invalid]") ?? event.target.closest(".ticket .sides input");
    if (!field) return;
    field.removeAttribute("aria-invalid");
    byId(`error-${field.name}`)?.remove();
  });

  dialog.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target === dialog && dialog.open) focusFirst();
  });
  dialog.addEventListener("close", () => {
    turn += 1;
    dialog.replaceChildren(); // what asks the server again and again ends with it
    byId(opener)?.focus();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
})();
