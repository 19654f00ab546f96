// What a reader can do with an answer: copy, save, share, print, judge.
import { plain } from "/static/answer.js";
import { announce, button, download, iconButton, make } from "/static/dom.js";
import { say } from "/static/words.js";

/** The row under an answer. What needs the record is left out where the answer was not `kept`; `judged` is the verdict
 * given before. */
export function actions(answer, api, { kept, judged }) {
  const toast = make("span", { class: "toast", "aria-hidden": "true" });
  const tell = (words) => { toast.textContent = words; announce(words); };
  const copying = (text, done) => async () => tell(await copied(text) ? done : say("copy_failed"));
  const row = make("div", { class: "actions" },
    button(say("copy"), copying(plain(answer), say("copied")), { picture: "copy" }));
  if (kept) {
    const link = `${location.origin}/?answer=${answer.trace}`;
    row.append(button(say("export"), () => save(api, answer, tell), { picture: "save" }),
      button(say("share"), copying(link, say("link_copied")), { picture: "link" }));
  }
  row.append(button(say("print"), () => window.print(), { picture: "print" }), toast);
  const rows = [row];
  if (kept) rows.push(judging(answer, api, judged, row, tell));
  return kept ? rows : [...rows, make("p", { class: "about" }, say("not_kept"))];
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

async function save(api, answer, tell) {
  try {
    download(await api.answerMarkdown(answer.trace), `answer-${answer.trace}.md`);
  } catch (error) {
    tell(said(error));
  }
}

function said({ title, id }) {
  return [title || say("unreachable"), id ? say("request", { id }) : null].filter(Boolean).join(" · ");
}

/** Adds the two thumbs to `row`; returns the form for a comment, which shows once a thumb is pressed. */
function judging(answer, api, judged, row, tell) {
  let verdict = judged?.verdict || null;
  const words = say("comment");
  const field = make("textarea", { rows: 2, maxlength: 2000, "aria-label": words, placeholder: words });
  field.value = judged?.comment || "";
  const form = make("form", { class: "comment", hidden: true }, field,
    make("div", { class: "dialog-row" }, button(say("close"), () => { form.hidden = true; }),
      make("button", { type: "submit", class: "main" }, say("send"))));
  const thumb = (one) => iconButton(one, say(one), () => judge(one), { class: "icon-button thumb" });
  const thumbs = { up: thumb("up"), down: thumb("down") };
  const press = () => {
    for (const [one, node] of Object.entries(thumbs)) node.setAttribute("aria-pressed", String(one === verdict));
  };

  async function judge(chosen, comment) {
    try {
      await api.judge({ trace: answer.trace, verdict: chosen, ...(comment ? { comment } : {}) });
      verdict = chosen;
      press();
      tell(say("thanks"));
      form.hidden = comment !== undefined;
      if (comment === undefined) field.focus();
    } catch (error) {
      tell(said(error));
    }
  }

  form.addEventListener("submit", (event) => { event.preventDefault(); judge(verdict, field.value.trim()); });
  press();
  row.insertBefore(make("span", { class: "thumbs" }, thumbs.up, thumbs.down), row.lastChild);
  return form;
}
