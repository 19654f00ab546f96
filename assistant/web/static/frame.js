// What stands around the chat: the drawer with the conversations, language, colours, and printing.
import { $ } from "/static/dom.js";
import { keep, read, speak, tongue, write } from "/static/words.js";

const DRAWER = window.matchMedia("(max-width: 1099px)");

/** The conversations: always there on a wide screen, a drawer on others. */
export function createMenu() {
  let isOpen = false;

  function set(open) {
    const changed = isOpen !== open;
    isOpen = open;
    document.body.classList.toggle("menu-open", isOpen);
    $("menu").setAttribute("aria-expanded", String(isOpen));
    for (const id of ["chat", "source"]) $(id).inert = isOpen && DRAWER.matches;
    return changed;
  }

  function toggle() {
    set(!isOpen);
    if (isOpen) $("fresh").focus();
  }

  function close() {
    const had = $("sidebar").contains(document.activeElement);
    const closed = set(false);
    if (closed && had) $("menu").focus();
    return closed;
  }

  $("menu").addEventListener("click", toggle);
  $("scrim").addEventListener("click", close);
  DRAWER.addEventListener("change", () => set(false));
  set(false);
  return { close };
}

/** The two choices of the header, and a page that prints whole. */
export function startSettings() {
  $("language").addEventListener("change", () => { keep($("language").value); speak($("language").value); });
  document.addEventListener("spoken", () => { $("language").value = tongue(); });
  $("theme").value = read("theme") || "auto";
  $("theme").addEventListener("change", () => paint($("theme").value));
  startPrinting();
}

function paint(theme) {
  write("theme", theme);
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function startPrinting() {
  let unfolded = [];
  window.addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open])")];
    for (const details of unfolded) details.open = true;
  });
  window.addEventListener("afterprint", () => { for (const details of unfolded) details.open = false; });
}
