// What the page says, in the reader's language, and how it writes dates and numbers.

const LANGUAGES = ["en", "ru", "be"];
const WORDS = {};  // of the languages that were spoken so far, each from its own file
const KEPT = "language";

/** The language of the page. It is kept where the browser keeps it: in the document. */
export function tongue() {
  return document.documentElement.lang;
}

/** The text named `key`, its {gaps} filled with `values`. */
export function say(key, values = {}) {
  const text = WORDS[tongue()][key];
  if (typeof text !== "string") return text;
  return text.replace(/\{(\w+)\}/g, (gap, name) => (name in values ? String(values[name]) : gap));
}

/** Put everything on the page that is marked as said into `language`. Listeners of `spoken` redraw the rest. */
export async function speak(language) {
  WORDS[language] = WORDS[language] || (await import(`/static/words-${language}.js`)).default;
  document.documentElement.lang = language;
  document.title = say("title");
  for (const node of document.querySelectorAll("[data-say]")) node.textContent = say(node.dataset.say);
  for (const node of document.querySelectorAll("[data-say-label]")) {
    node.setAttribute("aria-label", say(node.dataset.sayLabel));
    if (node.matches("button")) node.title = say(node.dataset.sayLabel);
  }
  for (const node of document.querySelectorAll("[data-say-placeholder]")) {
    node.placeholder = say(node.dataset.sayPlaceholder);
  }
  document.dispatchEvent(new Event("spoken"));
}

/** The language chosen here before, else the first of the browser's that the page has. */
export function preferred() {
  const wanted = [read(KEPT), ...navigator.languages.map((name) => name.slice(0, 2).toLowerCase())];
  return wanted.find((name) => LANGUAGES.includes(name)) || "en";
}

/** Remember the language for the next visit. */
export function keep(language) {
  write(KEPT, language);
}

/** A value of this browser; null where storing is switched off. */
export function read(name) {
  try { return localStorage.getItem(name); } catch { return null; }
}

export function write(name, value) {
  try { localStorage.setItem(name, value); } catch { /* the choice lasts as long as the page */ }
}

/** A day, a month or a year (2023-03-13, 2023-03, 2023) in words; `undated` for null. */
export function day(date) {
  const parts = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?$/.exec(date || "");
  if (!parts) return date || say("undated");
  const [, year, month, number] = parts;
  if (!month) return year;
  const shown = number ? { day: "numeric", month: "long", year: "numeric" } : { month: "long", year: "numeric" };
  const at = new Date(Date.UTC(+year, +month - 1, +(number || 1)));
  return new Intl.DateTimeFormat(tongue() === "en" ? "en-GB" : tongue(), { ...shown, timeZone: "UTC" }).format(at);
}

export function decimal(number, digits) {
  const shown = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(tongue(), shown).format(number);
}
