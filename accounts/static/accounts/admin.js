// Keeps the polled cells of the list of accounts current. What somebody types is never touched:
// only cells without a field are replaced, and only while the page is looked at.
"use strict";

(() => {
  const EVERY_MS = 5000;

  function rows() {
    const boxes = document.querySelectorAll("#result_list input.action-select[name='_selected_action']");
    return new Map([...boxes].map((box) => [box.value, box.closest("tr")]));
  }

  function place(row, cells) {
    for (const [name, html] of Object.entries(cells)) {
      const cell = row.querySelector(`.field-${name}`);
      if (cell && cell.innerHTML !== html) cell.innerHTML = html;
    }
  }

  async function refresh(url) {
    const shown = rows();
    if (document.hidden || shown.size === 0) return;
    const answer = await fetch(`${url}?ids=${[...shown.keys()].join(",")}`);
    if (!answer.ok || answer.redirected) return;
    for (const [key, cells] of Object.entries(await answer.json())) {
      if (shown.has(key)) place(shown.get(key), cells);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (!document.body.classList.contains("model-account")) return;
    if (!document.getElementById("result_list")) return;
    const url = new URL("cells/", location.href.split("?")[0]);
    const again = () => setTimeout(() => refresh(url).catch(() => {}).finally(again), EVERY_MS);
    again();
  });
})();
