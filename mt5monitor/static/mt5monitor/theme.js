// Colours before the first paint: loaded without `defer` on purpose, and nothing else is in here.
"use strict";
(() => {
  const root = document.documentElement;
  root.dataset.js = "";
  const order = ["auto", "light", "dark"];
  const says = { auto: "as the system", light: "light", dark: "dark" };
  const signs = { auto: "◐", light: "☀", dark: "☾" };

  const kept = () => {
    try {
      return localStorage.getItem("theme") || "auto";
    } catch {
      return "auto"; // storage may be forbidden; the system's choice is a good one
    }
  };
  const wear = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  let theme = order.includes(kept()) ? kept() : "auto";
  wear(theme);

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    if (!button) return;
    const show = () => {
      button.textContent = signs[theme];
      button.title = `Colours: ${says[theme]}`;
      button.setAttribute("aria-label", button.title);
    };
    show();
    button.addEventListener("click", () => {
      theme = order[(order.indexOf(theme) + 1) % order.length];
      try {
        localStorage.setItem("theme", theme);
      } catch {
        // It then lasts until the next page, which is what the person allowed.
      }
      wear(theme);
      show();
    });
  });
})();
