// An Answer as the reader sees it: sentences with their numbers, who says what, where sources disagree, when, how sure.
import { about, chip, chipped } from "/static/chips.js";
import { button, foreign, icon, make } from "/static/dom.js";
import { timeline } from "/static/timeline.js";
import { day, decimal, say } from "/static/words.js";

const HIGH = 0.85, MEDIUM = 0.65;  // confidences at which the words for them change

/** The whole answer. `open(citation, button)` shows a source, `ask(question)` asks one, `near(passage)` finds what a
 * passage is from. */
export function answerNodes(answer, { open, ask, near }) {
  const chips = (text) => chipped(text, answer.citations, open);
  const parts = answer.refused ? [refusal(answer, ask, near, open), trust(answer)] : [
    sentencesNode(answer, chips), trust(answer), ...answer.conflicts.map((conflict) => conflictNode(conflict, chips)),
    sourcesNode(answer, open), whoNode(answer, chips), timelineNode(answer, chips),
  ];
  const notice = answer.notice ? make("p", { class: "notice" }, foreign(answer.notice)) : null;
  return [notice, ...parts, madeNode(answer, near, open)].filter(Boolean);
}

/** One sentence; also what a stream shows. */
export function sentenceNode(text, citations, open) {
  return make("span", { class: "sentence", dir: "auto" }, ...chipped(text, citations, open), " ");
}

function sentencesNode(answer, chips) {
  const sentence = ({ text }) => make("span", { class: "sentence", dir: "auto" }, ...chips(text), " ");
  return make("p", { class: "text", lang: answer.language, dir: "auto" }, ...answer.sentences.map(sentence));
}

function conflictNode(conflict, chips) {
  const positions = conflict.positions.map(({ holder, text, published }) => make("li", {}, foreign(holder, "strong"),
    make("span", { class: "when" }, day(published)), make("p", { dir: "auto" }, ...chips(text))));
  return make("section", { class: "conflict" },
    make("h3", {}, say("conflict"), ": ", foreign(conflict.about)), make("ul", { class: "positions" }, ...positions));
}

function trust(answer) {
  const level = answer.confidence >= HIGH ? "high" : answer.confidence >= MEDIUM ? "medium" : "low";
  const words = `${say(`confidence_${level}`)} (${decimal(answer.confidence, 2)})`;
  const bar = make("span", { class: "bar", "aria-hidden": "true" });
  const sure = make("span", { class: `sure ${level}`, title: say("confidence_about") }, bar, words);
  const asOf = answer.as_of ? make("span", {}, say("answer_as_of", { date: day(answer.as_of) })) : null;
  const newest = make("span", {}, `${say("newest")}: `, make("strong", {}, day(answer.newest_source)));
  return make("p", { class: "trust" }, ...[sure, answer.refused ? null : newest, asOf].filter(Boolean));
}

/** A part that can be unfolded; `hint` says what is in it. */
function fold(name, hint, open, ...content) {
  const summary = make("summary", {}, make("h3", {}, name), foreign(hint, "span", { class: "hint" }));
  return make("details", { open }, summary, ...content);
}

function sourcesNode({ citations }, open) {
  const items = citations.map((citation) => make("li", {}, chip(citation, open),
    make("div", {}, foreign(citation.title, "strong"), foreign(about(citation), "div", { class: "about" }),
      foreign(citation.quote, "blockquote", { lang: citation.language }))));
  const publishers = [...new Set(citations.map(({ publisher }) => publisher))].join(" · ");
  return fold(`${say("sources")} (${citations.length})`, publishers, true, make("ol", { class: "sources" }, ...items));
}

function whoNode({ sentences }, chips) {
  const voices = new Map();
  for (const sentence of sentences) {
    const name = sentence.holder || "";
    voices.set(name, [...(voices.get(name) || []), sentence]);
  }
  const groups = [...voices].map(([holder, said]) => make("li", {},
    holder ? foreign(holder, "strong") : make("strong", {}, say("nobody")),
    ...said.map(({ text, stance }) => make("p", { dir: "auto" }, stanceNode(stance), ...chips(text)))));
  const names = [...voices.keys()].filter(Boolean).join(" · ") || say("stance_fact");
  return fold(say("who"), names, false, make("ul", { class: "voices" }, ...groups));
}

function stanceNode(stance) {
  return make("span", { class: `stance ${/^\w+$/.test(stance) ? stance : ""}` }, say(`stance_${stance}`) || stance);
}

function timelineNode({ sentences }, chips) {
  const line = timeline(sentences);
  if (!line) return null;
  const points = line.points.map(({ sentence, date }) => make("li", {},
    make("time", { datetime: date }, day(date)), make("p", { dir: "auto" }, ...chips(sentence.text))));
  const left = line.left ? ` ${say("timeline_left", { n: line.left })}` : "";
  const note = make("p", { class: "about" }, say("timeline_note"), left);
  const ends = `${day(line.points[0].date)} – ${day(line.points.at(-1).date)}`;
  return fold(say("timeline"), ends, true, make("ol", { class: "timeline" }, ...points), note);
}

function refusal(answer, ask, near, open) {
  const examples = say("examples_list").filter((text) => text !== answer.question).slice(0, 3);
  return make("section", { class: "refusal" },
    foreign(answer.text, "p", { class: "text", lang: answer.language }),
    answer.reason === "off_topic" ? null : nearNode(say("near"), nearest(answer.passages), near, open),
    make("div", {}, make("h3", {}, say("try_asking")), make("ul", { class: "asks" },
      ...examples.map((text) => make("li", {}, button(text, () => ask(text)))))));
}

/** The best passage of each of the three best documents. */
function nearest(passages) {
  const first = new Map();
  for (const passage of passages) if (!first.has(passage.document_id)) first.set(passage.document_id, passage);
  return [...first.values()].slice(0, 3);
}

function nearNode(name, passages, near, open) {
  if (!passages.length) return null;
  const items = passages.map((passage) => {
    const words = make("span", { dir: "auto" }, passage.document_id);
    const opener = make("button", { type: "button", click: async () => open(await near(passage), opener) }, words);
    near(passage).then((found) => {
      words.replaceChildren(foreign(found.title, "strong"), foreign(about(found), "small"));
    });
    return make("li", {}, opener);
  });
  return make("div", {}, make("h3", {}, name), make("ul", { class: "near" }, ...items));
}

function madeNode(answer, near, open) {
  const written = answer.model === "extractive" ? say("made_extractive") : answer.model;
  const rows = [["made_model", written], ["made_index", answer.index], ["made_trace", answer.trace],
    ["made_seconds", say("seconds", { n: decimal(answer.seconds, 2) })]];
  const terms = rows.flatMap(([key, value]) => [make("dt", {}, say(key)), foreign(value, "dd")]);
  const read = make("div", {});
  const details = fold(say("made"), written, false, make("dl", {}, ...terms), read);
  details.addEventListener("toggle", () => {  // their titles are fetched only when somebody looks
    if (details.open && !read.firstChild && answer.passages.length) {
      read.append(nearNode(say("made_read"), answer.passages, near, open));
    }
  });
  return details;
}

/** The answer as text to paste, each source with its quote. */
export function plain(answer) {
  const sources = answer.citations.map((citation) => [
    `[${citation.number}] ${citation.title}. ${about(citation)}`, `    “${citation.quote}”`,
    citation.url ? `    ${citation.url}` : null,
  ].filter(Boolean).join("\n"));
  return [answer.question, answer.text, answer.notice, ...sources].filter(Boolean).join("\n\n");
}

/** What went wrong, and a way to try again where `retry` is given. */
export function failure(heading, { title, detail, status, id, wait }, retry) {
  const said = [title, detail].filter(Boolean).join(". ");
  const what = { unreachable: say("unreachable"), cut: say("cut") }[status] || said;
  return make("div", { class: "failure", role: "alert" },
    make("h3", {}, icon("close"), heading), foreign(what, "p"),
    wait ? make("p", {}, say("wait", { n: wait })) : null,
    id ? make("p", { class: "about" }, say("request", { id })) : null,
    retry ? button(say("retry"), retry, { class: "retry" }) : null);
}
