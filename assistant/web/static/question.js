// Where the question is typed: its date, its length, asking and stopping.
import { $, announce } from "/static/dom.js";
import { say } from "/static/words.js";

const MOST = 2000;  // characters of a question, as the assistant counts them
const PHONE = window.matchMedia("(max-width: 699px)");

/** The form. `ask(text, asOf)` is called with what was typed, `stop()` when it should end. */
export function createQuestion(ask, stop) {
  const field = $("question");
  let [isReady, isBusy] = [false, false];

  function submit(event) {
    event.preventDefault();
    const text = field.value.trim();
    if (!text || !isReady) return field.focus();
    if (isBusy) return announce(say("busy"));
    if ($("as-of").validity.badInput) return complain(say("bad_date"), $("as-of"));
    if (length() > MOST) return complain(say("too_long", { n: length(), most: MOST }), field);
    field.value = "";
    fit();
    ask(text, $("as-of").value);
  }

  const length = () => Array.from(field.value.trim()).length;

  function complain(words, where) {
    $("complaint").textContent = words;
    where.focus();
  }

  function fit() {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight + 2, 200)}px`;
    $("complaint").textContent = length() > MOST ? say("too_long", { n: length(), most: MOST }) : "";
  }

  function dated() {
    $("as-of-clear").hidden = !$("as-of").value;
    $("complaint").textContent = "";
  }

  function busy(yes) {
    const had = document.activeElement;
    isBusy = yes;
    $("stop").hidden = !yes;
    $("ask").hidden = yes;
    if (yes && had === $("ask")) $("stop").focus();
    if (!yes && (had === $("stop") || had === document.body)) field.focus();
  }

  function ready() {
    isReady = true;
    $("ask").disabled = false;
  }

  /** Give back a question that got no answer, unless another is being typed. */
  function restore(text) {
    if (!field.value) field.value = text;
    fit();
  }

  /** On a phone the focus would open the keyboard over the page. */
  function focus() {
    if (!PHONE.matches) field.focus();
  }

  $("form").addEventListener("submit", submit);
  $("stop").addEventListener("click", stop);
  field.addEventListener("input", fit);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    $("form").requestSubmit();
  });
  $("as-of").max = new Date().toISOString().slice(0, 10);
  $("as-of").addEventListener("input", dated);
  $("as-of-clear").addEventListener("click", () => { $("as-of").value = ""; dated(); $("as-of").focus(); });
  return { asOf: () => $("as-of").value, busy, ready, restore, focus };
}
