// Elements, made from text. Nothing here reads HTML: what a source or a question holds stays text.

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  plus: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  pen: "M3 13l1-3 7-7 2 2-7 7zM9.5 4.5l2 2",
  bin: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5M7 7v4M9 7v4",
  save: "M8 3v7M5 7.5L8 10.5l3-3M3 13h10",
  copy: "M6 6h7v7H6zM10 6V3H3v7h3",
  link:
    "M7 9a2.5 2.5 0 0 0 3.6.2l2-2a2.5 2.5 0 0 0-3.6-3.6l-1 1M9 7a2.5 2.5 0 0 0-3.6-.2l-2 2A2.5 2.5 0 0 0 7 12.4l1-1",
  print: "M5 6V3h6v3M5 11H3V6h10v5h-2M5 9.5h6V13H5z",
  up: "M5.5 7v6H3V7zM5.5 7l2.8-4.5c1.2 0 1.7.9 1.4 2L9.3 6.5H13l-1 6.5H5.5",
  down: "M5.5 9V3H3v6zM5.5 9l2.8 4.5c1.2 0 1.7-.9 1.4-2L9.3 9.500H13l-1-6.5H5.5",
};

export const $ = (id) => document.getElementById(id);

/** An element with attributes (a function is a listener, null and false leave it out, true makes it empty). */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Text from outside: it keeps its own direction and cannot reorder what stands around it. */
export function foreign(text, tag = "bdi", attributes = {}) {
  return make(tag, { dir: "auto", ...attributes }, text);
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "icon");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button with words, and an icon before them where one is named. */
export function button(words, click, { picture, ...attributes } = {}) {
  const image = picture ? icon(picture) : null;
  return make("button", { type: "button", click, ...attributes }, image, make("span", {}, words));
}

/** A button that shows an icon only; `name` is what it is called. */
export function iconButton(picture, name, click, attributes = {}) {
  const named = { type: "button", class: "icon-button", "aria-label": name, title: name };
  return make("button", { ...named, click, ...attributes }, icon(picture));
}

/** The address if it is one of the web, else null: no other scheme ever becomes a link. */
export function webAddress(address) {
  if (typeof address !== "string" || !/^https?:\/\//i.test(address)) return null;
  try { return new URL(address).href; } catch { return null; }
}

/** Let a screen reader say `text` now. */
export function announce(text) {
  $("status").textContent = text;
}

/** Offer `blob` for saving under `name`. */
export function download(blob, name) {
  const address = URL.createObjectURL(blob);
  const anchor = make("a", { href: address, download: name, hidden: true });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
