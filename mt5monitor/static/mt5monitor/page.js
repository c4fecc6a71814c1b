// What every page does: links and filters without a full load, sentences, the drawer.
// Without this script all of it still works by plain links and forms.
"use strict";

const page = (() => {
  const byId = (id) => document.getElementById(id);
  const GOOD_MS = 6000;
  const BAD_MS = 12000;
  const SOCKET_MS = 1000; // how long the socket may take to bring a row that we changed

  // --- what is said ---------------------------------------------------------------------------
  function say(sentence, tone = "good", link = null) {
    const toast = document.createElement("p");
    toast.className = `toast ${tone}`;
    toast.textContent = sentence;
    if (link) {
      const anchor = document.createElement("a");
      anchor.href = link.href;
      anchor.textContent = link.text;
      toast.append(" ", anchor);
    }
    if (sayInWindow(toast, tone)) return;
    toast.addEventListener("click", () => toast.remove());
    setTimeout(() => toast.remove(), tone === "bad" ? BAD_MS : GOOD_MS);
    byId("toasts").append(toast);
  }

  // Behind a window that is open a toast is dimmed, cannot be touched, and is not read out. What
  // went wrong with the form in it stays there until the window says something else.
  function sayInWindow(toast, tone) {
    const ticket = document.querySelector("#trade[open] .ticket");
    if (!ticket || tone !== "bad") return false;
    ticket.querySelector(".failed")?.remove();
    toast.className = "notice bad failed";
    toast.setAttribute("role", "alert");
    const doing = ticket.querySelector(".do");
    doing ? doing.before(toast) : ticket.append(toast);
    toast.scrollIntoView({ block: "nearest" });
    return true;
  }

  const AWAY = "The server cannot be reached; nothing was changed that you can see here.";
  const AWAY_SENDING = "The server cannot be reached, so whether this was sent is not known. Press the button again: the same form is never executed twice.";

  const SENTENCES = {
    403: "You may not do this.",
    404: "It is not here any more. Load the page again.",
    413: "That is too much at once.",
    429: "Too many requests; wait a moment.",
  };

  function complain(xhr) {
    const html = new DOMParser().parseFromString(xhr.responseText || "", "text/html");
    const told = html.querySelector("[data-say]")?.textContent.trim();
    const link = xhr.status === 403 && html.querySelector("[data-reload]") ? { href: location.href, text: "Load again" } : null;
    say(told || SENTENCES[xhr.status] || `The server could not do this (${xhr.status}).`, "bad", link);
  }

  // --- reading again --------------------------------------------------------------------------
  const IN_PLACE = { target: "#live-body", select: "#live-body", swap: "outerHTML" };

  function reread() {
    if (byId("live-body")) htmx.ajax("GET", location.href, IN_PLACE);
  }

  function go(href) {
    return htmx.ajax("GET", href, { ...IN_PLACE, push: href });
  }

  // Changed rows come by the socket, to everybody. Where they do not come, they are fetched.
  function expect(numbers) {
    const live = byId("live");
    if (!live) return;
    if (document.body.dataset.link !== "live" || live.dataset.page === "account") return reread();
    const cells = (n) => [...document.querySelectorAll(`#account-${n} td:not([data-cell="age"])`)];
    const rows = () => numbers.flatMap(cells).map((cell) => cell.innerHTML).join();
    const before = rows();
    setTimeout(() => before && rows() === before && reread(), SOCKET_MS);
  }

  // --- filters --------------------------------------------------------------------------------
  function syncFilters() {
    const form = byId("filters");
    if (!form) return;
    const asked = new URLSearchParams(location.search);
    for (const field of form.elements) {
      if (!field.name) continue;
      const value = asked.get(field.name) ?? "";
      if (field !== document.activeElement) field.value = value;
      if (field.selectedIndex < 0) field.selectedIndex = 0;
      field.classList.toggle("chosen", Boolean(value));
    }
  }

  // --- the drawer -----------------------------------------------------------------------------
  async function fillDrawer() {
    const href = document.querySelector("[data-drawer]").href;
    const here = { source: "#drawer", target: "#drawer", swap: "innerHTML settle:0ms" };
    await htmx.ajax("GET", href, here);
  }

  async function toggleDrawer() {
    const drawer = byId("drawer");
    if (drawer.open) return closeDrawer();
    await fillDrawer();
    if (drawer.firstElementChild) drawer.show();
    drawer.querySelector("button")?.focus();
  }

  function closeDrawer() {
    const drawer = byId("drawer");
    if (!drawer?.open) return false;
    drawer.close();
    document.querySelector("[data-drawer]")?.focus();
    return true;
  }

  // --- agents ---------------------------------------------------------------------------------
  const asked = new Set(); // paths that are being asked for

  async function refreshAgent(button) {
    const path = button.dataset.refresh;
    if (asked.has(path)) return;
    asked.add(path);
    // The row is replaced before the answer is here, which then would be said to nobody.
    const source = document.body.appendChild(document.createElement("i"));
    try {
      await htmx.ajax("POST", path, { source, swap: "none" });
    } finally {
      source.remove();
      asked.delete(path);
    }
  }

  // --- wiring ---------------------------------------------------------------------------------
  const CLICKS = [
    ["a[data-fleet]", (link) => go(link.href)],
    ["a[data-drawer]", toggleDrawer],
    ["[data-close]", closeDrawer],
    ["[data-help]", () => byId("help").showModal()],
    ["[data-refresh]", refreshAgent],
    ["[data-more]", (button) => button.setAttribute("aria-expanded", String(byId("more").classList.toggle("open")))],
  ];

  document.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    for (const [selector, act] of CLICKS) {
      const element = event.target.closest(selector);
      if (!element) continue;
      event.preventDefault();
      act(element);
      return;
    }
  });

  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt?.id !== "filters") return;
    // What is not asked for has no place in the URL.
    for (const [name, value] of [...event.detail.formData.entries()]) {
      if (value === "") event.detail.formData.delete(name);
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "live-body" && event.target?.id !== "live-body") return;
    document.dispatchEvent(new Event("live:watch"));
  });
  document.addEventListener("htmx:pushedIntoHistory", syncFilters);
  document.addEventListener("htmx:responseError", (event) => complain(event.detail.xhr));
  document.addEventListener("htmx:sendError", ({ detail }) => {
    const sends = detail.requestConfig?.verb === "post" && detail.target?.id === "trade";
    say(sends ? AWAY_SENDING : AWAY, "bad");
  });
  document.addEventListener("said", (event) => {
    const { sentence, tone, rows } = event.detail;
    say(sentence, tone);
    if (byId("drawer")?.open) fillDrawer();
    expect(rows);
  });

  syncFilters();
  // On phones the links of the bar scroll.
  document.querySelector(".bar nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  return { say, byId, closeDrawer };
})();
