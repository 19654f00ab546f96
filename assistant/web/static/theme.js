"use strict";
// Before anything is painted: the colours chosen here before. Without a choice the style sheet follows the system.
(function () {
  let kept = null;
  try { kept = localStorage.getItem("theme"); } catch { /* storing is switched off */ }
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
})();
