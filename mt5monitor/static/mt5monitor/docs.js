// The documents of the API in the colours that were chosen for the pages, or those of the system.
"use strict";
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const wear = () =>
    root.classList.toggle("dark-mode", root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  wear();
  dark.addEventListener("change", wear);
})();
