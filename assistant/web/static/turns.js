// The questions and answers on the page: an article each, drawn from what is known, again when the language changes.
import { actions } from "/static/actions.js";
import { answerNodes, failure, sentenceNode } from "/static/answer.js";
import { $, announce, foreign, make } from "/static/dom.js";
import { say } from "/static/words.js";

/** The turns in the page. `tools` are the api, `open` for sources, `ask` for questions. */
export function createTurns(tools) {
  let turns = [];
  document.addEventListener("spoken", () => turns.forEach((turn) => turn.draw()));

  /** Add the question and what is known of its answer; returns the turn. `first` puts it before the others. */
  function add(question, known, first = false) {
    const turn = createTurn(question, known, tools);
    turns = first ? [turn, ...turns] : [...turns, turn];
    $("turns")[first ? "prepend" : "append"](turn.node);
    $("welcome").hidden = true;
    return turn;
  }

  function clear() {
    turns = [];
    $("turns").replaceChildren($("welcome"));
    $("welcome").hidden = false;
  }

  return { add, clear };
}

function createTurn(question, known, tools) {
  const heading = foreign(question, "h2", { tabindex: "-1" });
  const box = make("div", { class: "answer" });
  const node = make("article", { class: "turn" }, heading, box);
  const said = make("p", { class: "text" });
  let count = 0;
  let state = known;  // {answer, kept, judged} · {failed, retry} · {stopped} · {} while it is awaited

  function draw() {
    if (state.answer) {
      const near = nearer(tools.api);
      const nodes = answerNodes(state.answer, { ...tools, near });
      box.replaceChildren(...nodes, ...actions(state.answer, tools.api, state));
    } else {
      box.replaceChildren(...[count ? said : null, ending(state)].filter(Boolean));
    }
  }

  function set(now) {
    const held = box.contains(document.activeElement) ? document.activeElement.textContent : null;
    state = now;
    draw();
    if (held) [...box.querySelectorAll("button")].find((button) => button.textContent === held)?.focus();
  }

  /** It is asked, perhaps again. */
  function begin() {
    count = 0;
    said.replaceChildren();
    set({});
  }

  function sentence({ number, text, citations }) {
    if (number <= count) return;
    count = number;
    if (!said.isConnected) box.prepend(said);
    said.append(sentenceNode(text, citations, tools.open));
    $("spoken").append(make("p", {}, text));  // the log that a screen reader follows
  }

  draw();
  return { node, heading, draw, set, begin, sentence, shown: () => count };
}

function ending(state) {
  if (state.failed) return failure(say("failed"), state.failed, state.retry);
  if (state.stopped) return make("p", { class: "notice" }, say("stopped"));
  return make("p", { class: "looking" }, say("looking"));
}

/** Finds what a passage is from, as a citation of the whole passage. */
function nearer(api) {
  return async (passage) => {
    try {
      const { text, blocks, ...source } = await api.source(passage.document_id);
      return { ...source, ...passage, quote: passage.text };
    } catch {
      return { ...passage, title: passage.document_id, quote: passage.text };
    }
  };
}

/** Ask `question` in a new turn. `send(on, signal)` gets the answer; resolves to it, or to null without one. */
export async function run(turn, send, signal, retry) {
  $("spoken").replaceChildren();
  announce(say("looking"));
  try {
    const answer = await send({ sentence: turn.sentence }, signal);
    turn.set({ answer, kept: Boolean(answer.conversation_id) });
    announce(say(answer.refused ? "refused_said" : "complete"));
    if (!turn.shown()) $("spoken").append(make("p", {}, answer.text));
    return answer;
  } catch (error) {
    const stopped = error.name === "AbortError";
    if (!stopped && error.status === undefined) throw error;
    turn.set(stopped ? { stopped } : { failed: error, retry });
    announce(stopped ? say("stopped") : "");
    return null;
  }
}
