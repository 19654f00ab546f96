// The chat page: what is asked, what is shown, and which address it has.
import { createApi, requestName } from "/static/api.js";
import { hideCard, startCards } from "/static/chips.js";
import { createConversations } from "/static/conversations.js";
import { key } from "/static/dialogs.js";
import { $, announce, button, make } from "/static/dom.js";
import { createMenu, startSettings } from "/static/frame.js";
import { failure } from "/static/answer.js";
import { createQuestion } from "/static/question.js";
import { untilReady } from "/static/ready.js";
import { createSource } from "/static/source.js";
import { createTurns, run } from "/static/turns.js";
import { preferred, say, speak } from "/static/words.js";

const api = createApi(key);
const menu = createMenu();
const source = createSource(api.source);
const turns = createTurns({ api, open: source.open, ask: (text) => ask(text, question.asOf()) });
const conversations = createConversations(api, {
  open: (id) => go(`/?conversation=${id}`),
  gone: (id) => { if (id === here) go("/"); },
});
const question = createQuestion((text, asOf) => ask(text, asOf), () => stopping?.abort());
let here = null;      // the conversation that the next question belongs to
let stopping = null;  // stops the answer that is on its way
let route = 0;        // counts what was opened, so that a late answer does not fill another page

async function ask(text, asOf, request = requestName(), again = null) {
  if (stopping) return announce(say("busy"));
  const [at, conversation] = [route, here];
  stopping = new AbortController();
  question.busy(true);
  const turn = again || turns.add(text, {});
  turn.begin();
  turn.node.scrollIntoView({ block: "start" });
  const body = { question: text, as_of: asOf || undefined, conversation_id: conversation || undefined };
  const send = (on, signal) => api.ask(body, { signal, request }, on);
  const answer = await run(turn, send, stopping.signal, () => ask(text, asOf, request, turn)).finally(() => {
    stopping = null;
    question.busy(false);
  });
  if (at === route && answer?.conversation_id) settle(answer.conversation_id);
  if (at === route && !answer) question.restore(text);
  await conversations.load();
}

/** From now on the page is that of conversation `id`. */
function settle(id) {
  if (here === id) return;
  here = id;
  history.replaceState(null, "", `/?conversation=${id}`);
  conversations.mark(id);
}

function go(address) {
  if (address !== location.pathname + location.search) history.pushState(null, "", address);
  return show();
}

/** Show what the address names: a conversation, a recorded answer, or the start. */
async function show() {
  const wanted = new URLSearchParams(location.search);
  route += 1;
  stopping?.abort();
  source.close();
  menu.close();
  turns.clear();
  here = wanted.get("conversation");
  const trace = wanted.get("answer");
  document.body.classList.toggle("recorded", Boolean(trace));
  $("recorded").hidden = !trace;
  conversations.mark(here);
  if (trace) await open(() => recorded(trace, route));
  else if (here) await open(() => conversation(here, route));
  else question.focus();
}

async function open(work) {
  try {
    await work();
  } catch (error) {
    if (error.status === undefined) throw error;
    here = null;
    $("turns").append(failure(say("failed_open"), error, () => show()));
    $("welcome").hidden = true;
  }
}

async function recorded(trace, at) {
  const answer = await api.answer(trace);
  if (at !== route) return;
  turns.add(answer.question, { answer, kept: true }).heading.focus();
}

async function conversation(id, at) {
  const page = await api.conversation(id);
  if (at !== route) return;
  earlier(id, page, at);
  $("turns").lastElementChild?.scrollIntoView({ block: "start" });
  question.focus();
}

/** Put a page of a conversation before what is shown, and a button for the page before it. */
function earlier(id, { messages, next }, at) {
  const answers = messages.filter(({ role }) => role === "assistant").reverse();
  for (const { answer, feedback } of answers) {
    turns.add(answer.question, { answer, kept: true, judged: feedback }, true);
  }
  if (!next) return;
  const more = button(say("earlier"), async () => {
    const page = await api.conversation(id, next);
    if (at !== route) return;
    more.remove();
    earlier(id, page, at);
  }, { class: "more" });
  $("turns").prepend(more);
}

function welcome() {
  const item = (text) => make("li", {}, button(text, () => ask(text, question.asOf())));
  $("examples").replaceChildren(...say("examples_list").map(item));
}

document.addEventListener("spoken", welcome);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) hideCard() || source.close() || menu.close();
});
window.addEventListener("popstate", show);
$("fresh").addEventListener("click", () => go("/"));
$("own").addEventListener("click", () => go("/"));
startCards();
startSettings();
await speak(preferred());
await untilReady(api.ready);
question.ready();
await Promise.all([show(), conversations.load()]);
