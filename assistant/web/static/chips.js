// The numbers in an answer: each names a quote, shows it in a card, and opens its source.
import { $, foreign, make } from "/static/dom.js";
import { day, say } from "/static/words.js";

const LINGER = 200;  // milliseconds in which the pointer may travel from the number to its card

/** What stands under the name of a source: publisher, author, day, kind, whose view, page. */
export function about(source) {
  const { publisher, author, published, kind, holder, page } = source;
  const view = holder && holder !== publisher ? say("holder_of", { holder }) : null;
  return [publisher, author, day(published), say(`kind_${kind}`) || kind, view, page ? say("page", { n: page }) : null]
    .filter(Boolean).join(" · ");
}

/** A number that opens its source. `open(citation, button)` does the opening. */
export function chip(citation, open) {
  const { number: n, title, publisher, published } = citation;
  const show = () => showCard(citation, button);
  const button = make("button", {
    type: "button", class: "chip", "aria-label": say("source_n", { n, title, publisher, date: day(published) }),
    click: () => { hideCard(); open(citation, button); },
    mouseenter: show, mouseleave: hideSoon, blur: hideCard,
    focus: () => { if (button.matches(":focus-visible")) show(); },
  }, String(n));
  return button;
}

/** Nodes for `text`, each [n] a chip of its citation, on one line with the word before and the stop after. */
export function chipped(text, citations, open) {
  const numbered = new Map(citations.map((citation) => [`[${citation.number}]`, citation]));
  return text.split(/(\S{0,24}(?:\s*\[\d+\])+[.,;:!?]?)/u).filter(Boolean).map((part) => {
    const nodes = part.split(/(\s*\[\d+\])/).filter(Boolean).map((piece) => {
      const citation = numbered.get(piece.trim());
      return citation ? chip(citation, open) : piece;
    });
    return nodes.length > 1 ? make("span", { class: "together" }, ...nodes) : make("span", {}, ...nodes);
  });
}

let hiding = 0;

function showCard(citation, button) {
  clearTimeout(hiding);
  const card = $("card");
  card.replaceChildren(
    foreign(citation.quote, "blockquote", { lang: citation.language }),
    foreign(citation.title, "strong"), foreign(about(citation), "span"),
    make("span", { class: "hint" }, say("show_source")),
  );
  card.hidden = false;
  button.setAttribute("aria-describedby", "card");
  place(card, button.getBoundingClientRect());
}

function place(card, { left, top, bottom }) {
  const room = document.documentElement.getBoundingClientRect();
  const { width, height } = card.getBoundingClientRect();
  const below = bottom + height + 8 < window.innerHeight || top < height + 8;
  card.style.left = `${Math.max(8, Math.min(left - 24, room.width - width - 8))}px`;
  card.style.top = `${below ? bottom + 6 : top - height - 6}px`;
}

function hideSoon() {
  clearTimeout(hiding);
  hiding = setTimeout(hideCard, LINGER);
}

/** Put the card away. True if there was one to put away. */
export function hideCard() {
  clearTimeout(hiding);
  const shown = !$("card").hidden;
  $("card").hidden = true;
  document.querySelector('[aria-describedby="card"]')?.removeAttribute("aria-describedby");
  return shown;
}

/** Keep the card while the pointer is on it. */
export function startCards() {
  $("card").addEventListener("mouseenter", () => clearTimeout(hiding));
  $("card").addEventListener("mouseleave", hideSoon);
  $("turns").addEventListener("scroll", hideCard, { passive: true });
}
