// Questions that stop everything else: one dialog at a time, closed by Escape, the focus goes back where it was.
import { button, make } from "/static/dom.js";
import { say } from "/static/words.js";

/** Show a dialog; resolves to `value()` of its main button, to null when it is left. */
function modal(title, content, words, value) {
  return new Promise((resolve) => {
    const form = make("form", { submit: (event) => { event.preventDefault(); dialog.close("yes"); } },
      make("h2", { id: "dialog-title" }, title), ...content,
      make("div", { class: "dialog-row" }, button(say("cancel"), () => dialog.close()),
        make("button", { type: "submit", class: "main" }, words)));
    const dialog = make("dialog", { "aria-labelledby": "dialog-title", close: () => {
      resolve(dialog.returnValue === "yes" ? value() : null);
      dialog.remove();
    } }, form);
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Whether the reader is sure of `question`; `words` name what is then done. */
export async function sure(question, words) {
  return Boolean(await modal(question, [], words, () => true));
}

/** One line of text that starts as `text`; null when the reader thought better of it. */
export function line(title, text) {
  const input = make("input", { id: "dialog-line", type: "text", required: true, maxlength: 200, "aria-label": title });
  input.value = text;
  const given = modal(title, [input], say("save"), () => input.value.trim() || null);
  input.select();
  return given;
}

/** The reader's key; `wrong` when the last one was refused. */
export function key(wrong) {
  const input = make("input", {
    id: "dialog-key", type: "password", required: true, autocomplete: "off", pattern: "[!-~]+",
    "aria-describedby": wrong ? "dialog-wrong" : null, "aria-invalid": wrong ? "true" : null,
  });
  const content = [
    make("p", {}, say("key_text")), make("label", { for: "dialog-key" }, say("key")), input,
    wrong ? make("p", { id: "dialog-wrong", class: "wrong", role: "alert" }, say("key_wrong")) : null,
  ].filter(Boolean);
  const given = modal(say("key_title"), content, say("use_key"), () => input.value);
  input.focus();
  return given;
}
