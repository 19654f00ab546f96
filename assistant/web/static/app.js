"use strict";
// The chat page. Text from outside enters the page as text nodes only; links are http or https or they are not made.

const SAY = {
  en: { title: "Union State assistant", tagline: "Every sentence carries a quote you can check.", tongue: "Language",
    welcome: "Ask about the Union State of Russia and Belarus: its treaties, programmes, budget, disputes. Answers come only from the sources; where they do not say, the assistant says so.",
    ask: "Your question", asof: "As of", send: "Ask", close: "Close", origin: "Open the origin", skip: "Skip to the question",
    newest: "newest source used", undated: "undated", confidence: "confidence", failed: "The question could not be answered",
    page: "p.", thinking: "Looking in the sources…", holder: "view of", summary: "our summary of the origin", show: "Show source",
    examples: ["How do Minsk and Moscow define the Union State?", "How many integration programmes were approved in 2021?", "What did Tikhanovskaya say about the leaked strategy?"] },
  ru: { title: "Ассистент по Союзному государству", tagline: "У каждого предложения есть цитата, которую можно проверить.", tongue: "Язык",
    welcome: "Спросите о Союзном государстве России и Белоруссии: договоры, программы, бюджет, споры. Ответы берутся только из источников; если в них ответа нет, ассистент так и скажет.",
    ask: "Ваш вопрос", asof: "На дату", send: "Спросить", close: "Закрыть", origin: "Открыть первоисточник", skip: "К вопросу",
    newest: "самый новый источник", undated: "без даты", confidence: "уверенность", failed: "На вопрос не удалось ответить",
    page: "с.", thinking: "Ищу в источниках…", holder: "позиция:", summary: "наш пересказ источника", show: "Показать источник",
    examples: ["Каковы доходы бюджета Союзного государства на 2025 год?", "Что утверждал центр «Досье» о стратегии?", "Что было в повестке Высшего Государственного Совета 26 февраля 2026 года?"] },
  be: { title: "Асістэнт па Саюзнай дзяржаве", tagline: "У кожнага сказа ёсць цытата, якую можна праверыць.", tongue: "Мова",
    welcome: "Спытайце пра Саюзную дзяржаву Расіі і Беларусі: дамовы, праграмы, бюджэт, спрэчкі. Адказы бяруцца толькі з крыніц; калі ў іх адказу няма, асістэнт так і скажа.",
    ask: "Ваша пытанне", asof: "На дату", send: "Спытаць", close: "Закрыць", origin: "Адкрыць першакрыніцу", skip: "Да пытання",
    newest: "самая новая крыніца", undated: "без даты", confidence: "упэўненасць", failed: "На пытанне не ўдалося адказаць",
    page: "с.", thinking: "Шукаю ў крыніцах…", holder: "пазіцыя:", summary: "наш пераказ крыніцы", show: "Паказаць крыніцу",
    examples: ["Калі адбыўся чацвёрты пратэст супраць інтэграцыі ў Мінску?", "Што казалі ўдзельнікі пратэсту 21 снежня 2019 года?"] },
};

const $ = (id) => document.getElementById(id);
const make = (tag, className, text) => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
let tongue = "en";
let conversation = null;
let opener = null;

function speak(language) {
  tongue = SAY[language] ? language : "en";
  document.documentElement.lang = tongue;
  document.title = SAY[tongue].title;
  $("tongue").value = tongue;
  document.querySelectorAll("[data-say]").forEach((n) => { n.textContent = SAY[tongue][n.dataset.say]; });
  $("question").placeholder = SAY[tongue].ask;
  $("examples").replaceChildren(...SAY[tongue].examples.map((text) => {
    const item = make("li");
    const button = make("button", "", text);
    button.type = "button";
    button.addEventListener("click", () => { $("question").value = text; $("form").requestSubmit(); });
    item.append(button);
    return item;
  }));
}

function chip(citation) {
  const button = make("button", "chip", String(citation.number));
  button.type = "button";
  button.title = `${citation.publisher}, ${citation.published || SAY[tongue].undated}: “${citation.quote}”`;
  button.setAttribute("aria-label", `${SAY[tongue].show} ${citation.number}: ${citation.title}`);
  button.addEventListener("click", () => open(citation, button));
  return button;
}

function withChips(text, citations) {
  const byNumber = new Map(citations.map((c) => [String(c.number), c]));
  const paragraph = make("p");
  text.split(/(\[\d+\])/).forEach((part) => {
    const citation = byNumber.get(part.slice(1, -1));
    paragraph.append(/^\[\d+\]$/.test(part) && citation ? chip(citation) : part);
  });
  return paragraph;
}

function about(c) {
  return [c.publisher, c.author, c.published || SAY[tongue].undated, c.kind, c.holder && c.holder !== c.publisher ? `${SAY[tongue].holder} ${c.holder}` : null,
    c.page ? `${SAY[tongue].page} ${c.page}` : null].filter(Boolean).join(" · ");
}

function show(answer) {
  const box = make("article", answer.refused ? "answer refused" : "answer");
  box.lang = answer.language;
  box.append(withChips(answer.text, answer.citations));
  if (answer.citations.length) {
    const list = make("ol", "sources");
    answer.citations.forEach((c) => {
      const item = make("li");
      item.append(chip(c), " ", make("strong", "", c.title), make("div", "about", about(c)));
      list.append(item);
    });
    box.append(list);
  }
  const foot = [answer.as_of ? `${SAY[tongue].asof} ${answer.as_of}` : null,
    answer.citations.length ? `${SAY[tongue].newest}: ${answer.newest_source || SAY[tongue].undated}` : null,
    `${SAY[tongue].confidence} ${answer.confidence.toFixed(2)}`].filter(Boolean).join(" · ");
  box.append(make("p", "foot", foot));
  return box;
}

async function open(citation, from) {
  const response = await fetch(`/api/sources/${encodeURIComponent(citation.document_id)}`);
  if (!response.ok) return;
  const source = await response.json();
  opener = from;
  $("source-title").textContent = source.title;
  $("source-about").textContent = about(source) + (source.form === "summary" ? ` · ${SAY[tongue].summary}` : "");
  const link = $("source-link");
  link.hidden = !/^https?:\/\//.test(source.url || "");
  if (link.hidden) link.removeAttribute("href"); else link.href = source.url;
  const points = Array.from(source.text);           // offsets count code points, as the API does
  const body = $("source-text");
  body.lang = source.language;
  body.replaceChildren();
  let marked = null;
  source.blocks.forEach((block) => {
    const paragraph = make("p");
    const from = Math.max(block.start, citation.start), to = Math.min(block.end, citation.end);
    if (from < to) {
      const mark = make("mark", "", points.slice(from, to).join(""));
      marked = marked || mark;
      paragraph.append(points.slice(block.start, from).join(""), mark, points.slice(to, block.end).join(""));
    } else {
      paragraph.textContent = points.slice(block.start, block.end).join("");
    }
    body.append(paragraph);
  });
  $("source").hidden = false;
  $("source").focus();
  if (marked) marked.scrollIntoView({ block: "center" });
}

function close() {
  $("source").hidden = true;
  if (opener) opener.focus();
}

async function ask(event) {
  event.preventDefault();
  const question = $("question").value.trim();
  if (!question || $("send").disabled) return;
  const waiting = make("p", "about", SAY[tongue].thinking);
  $("turns").append(make("div", "asked", question), waiting);
  waiting.scrollIntoView({ block: "end" });
  $("send").disabled = true;
  const body = { question };
  if ($("asof").value) body.as_of = $("asof").value;
  if (conversation) body.conversation_id = conversation;
  let box;
  try {
    const response = await fetch("/api/ask", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${answer.title}${answer.detail ? `. ${answer.detail}` : ""} (${answer.request_id})`);
    conversation = answer.conversation_id;
    box = show(answer);
    $("question").value = "";
  } catch (error) {
    box = make("article", "answer failed", `${SAY[tongue].failed}: ${error.message}`);
  }
  waiting.replaceWith(box);
  box.scrollIntoView({ block: "nearest" });
  $("send").disabled = false;
  $("question").focus();
}

$("form").addEventListener("submit", ask);
$("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); $("form").requestSubmit(); }
});
$("close").addEventListener("click", close);
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !$("source").hidden) close(); });
$("tongue").addEventListener("change", () => speak($("tongue").value));
speak((navigator.language || "en").slice(0, 2));
