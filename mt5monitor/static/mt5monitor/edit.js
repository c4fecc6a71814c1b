// Rows: selecting, editing in place, the keyboard. live.js replaces rows under our hands at any
// time, so nothing here keeps hold of one: what is selected is known by the key of its account.
"use strict";
(() => {
  const { byId, closeDrawer } = page;
  const can = (what) => document.body.dataset.can.split(/\s+/).includes(what);
  const boxes = () => [...document.querySelectorAll('input[name="accounts"]')];

  // --- selecting ------------------------------------------------------------------------------
  const selected = new Set();
  let last = null; // key of the box ticked last, where a range begins

  function showSelection() {
    const all = boxes();
    for (const box of all) box.checked = selected.has(box.value);
    const here = all.filter((box) => box.checked).length;
    const bulk = byId("bulk");
    if (!bulk) return;
    bulk.hidden = here === 0;
    bulk.querySelector("[data-selected]").textContent = `${here} selected`;
    const two = bulk.querySelector("[data-two]");
    if (two) two.disabled = here !== 2;
    const every = document.querySelector("[data-all]");
    if (!every) return;
    every.checked = here > 0 && here === all.length;
    every.indeterminate = here > 0 && here < all.length;
  }

  function tick(number, on) {
    if (on) selected.add(number);
    else selected.delete(number);
  }

  function forgetHidden() {
    // Only what is on screen can be selected: nobody should change rows that they cannot see.
    const shown = new Set(boxes().map((box) => box.value));
    for (const number of selected) if (!shown.has(number)) selected.delete(number);
    showSelection();
  }

  function clearSelection() {
    if (!selected.size) return false;
    selected.clear();
    showSelection();
    return true;
  }

  document.addEventListener("click", (event) => {
    const box = event.target.closest('input[name="accounts"]');
    if (event.target.closest("[data-clear]")) clearSelection();
    if (!box) return;
    const numbers = boxes().map((one) => one.value);
    const [from, to] = [numbers.indexOf(last), numbers.indexOf(box.value)];
    const range = event.shiftKey && from >= 0 ? numbers.slice(Math.min(from, to), Math.max(from, to) + 1) : [box.value];
    for (const number of range) tick(number, box.checked);
    last = box.value;
    showSelection();
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-all]")) return;
    for (const box of boxes()) tick(box.value, event.target.checked);
    showSelection();
  });

  // --- editing in place -----------------------------------------------------------------------
  const editor = byId("editor");
  let editing = null; // { row, key, what }

  function editButton({ row, what }) {
    const shown = byId(`account-${row}`) ?? byId("account-panel");
    return shown?.querySelector(`[data-edit="${what}"]`);
  }

  async function openEditor(button) {
    const what = button.dataset.edit;
    const { account: row, key } = button.closest("[data-account]")?.dataset ?? {};
    if (!can(what) || !key) return;
    closeEditor(false);
    const mine = { row, key, what };
    editing = mine;
    // From the editor itself: htmx lets a second request of one element wait, and says it is done.
    // Settled at once, so that no key comes before the form is htmx's.
    const here = { source: editor, target: editor, swap: "innerHTML settle:0ms" };
    await htmx.ajax("GET", `/accounts/${key}/${what}/`, here);
    if (editing !== mine || !editor.firstElementChild) return;
    editor.hidden = false;
    place(editButton(mine) ?? button);
    (editor.querySelector("[data-first]") ?? editor.querySelector("button, input")).focus();
    editor.querySelector("input[data-first]")?.select();
  }

  function place(button) {
    const at = button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = editor;
    const below = at.bottom + 4 + height < innerHeight;
    editor.style.top = `${Math.max(8, below ? at.bottom + 4 : at.top - height - 4)}px`;
    editor.style.left = `${Math.max(8, Math.min(at.left, innerWidth - width - 8))}px`;
  }

  function closeEditor(focus = true) {
    if (!editing) return false;
    const was = editing;
    editing = null;
    editor.hidden = true;
    editor.replaceChildren();
    if (focus) editButton(was)?.focus();
    return true;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-edit]");
    if (button) openEditor(button);
    else if (!editor.contains(event.target) && event.target.isConnected) closeEditor(false);
  });
  document.addEventListener("focusin", (event) => {
    if (!editor.hidden && !editor.contains(event.target)) closeEditor(false);
  });
  editor.addEventListener("said", () => closeEditor());
  editor.addEventListener("htmx:afterSettle", () => {
    const button = editing && editButton(editing);
    if (button && !editor.hidden) place(button);
    editor.querySelector("[aria-invalid]")?.focus();
  });
  editor.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const choices = [...editor.querySelectorAll(".choices button")];
    const at = choices.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    choices[(at + step + choices.length) % choices.length].focus();
  });

  // --- the keyboard ---------------------------------------------------------------------------
  const row = () => document.activeElement?.closest?.(".rows tbody tr");

  function move(step) {
    const rows = [...document.querySelectorAll(".rows tbody tr")];
    const next = row() ? rows[rows.indexOf(row()) + step] : rows[0];
    const link = next?.querySelector("th a, a, button");
    link?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  }

  function editRow(what) {
    const button = (row() ?? byId("account-panel"))?.querySelector(`[data-edit="${what}"]`);
    if (button) openEditor(button);
  }

  const KEYS = {
    "/": () => byId("q")?.select(),
    j: () => move(1),
    k: () => move(-1),
    x: () => row()?.querySelector('input[name="accounts"]')?.click(),
    e: () => editRow("phase"),
    v: () => editRow("vs"),
    "?": () => byId("help").showModal(),
    Escape: () => closeEditor() || closeDrawer() || clearSelection(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog:modal")) return;
    const typing = event.target.matches("select, textarea, input:not([type=checkbox])");
    const act = KEYS[event.key];
    if (!act || (typing && event.key !== "Escape")) return;
    if (event.key !== "Escape") event.preventDefault();
    act();
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target?.id !== "editor") forgetHidden();
  });
  document.addEventListener("live:read", forgetHidden);
  showSelection();
})();
