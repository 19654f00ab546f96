// The list of the reader's conversations: open, rename, save, delete.
import { line, sure } from "/static/dialogs.js";
import { $, announce, button, download, foreign, iconButton, make } from "/static/dom.js";
import { failure } from "/static/answer.js";
import { day, say } from "/static/words.js";

/** The list. `on.open(id)` shows a conversation, `on.gone(id)` is told of a deleted one. */
export function createConversations(api, on) {
  let known = [];
  let next = null;
  let current = null;
  let failed = null;

  function draw() {
    const rows = known.map((conversation) => row(conversation, conversation.id === current));
    $("conversations").replaceChildren(...rows);
    const more = next ? button(say("more"), () => load(next), { class: "more" }) : null;
    const none = known.length ? null : make("p", { class: "about" }, say("none_yet"));
    const end = failed ? [failure(say("list_failed"), failed, () => load())] : [none, more];
    $("conversations-end").replaceChildren(...end.filter(Boolean));
  }

  function row(conversation, isCurrent) {
    const { id, title, changed } = conversation;
    const attributes = { type: "button", class: "open", "aria-current": isCurrent ? "true" : null };
    const open = make("button", { ...attributes, click: () => on.open(id) },
      foreign(title, "span"), make("small", {}, day(changed.slice(0, 10))));
    return make("li", { class: isCurrent ? "current" : null }, open, make("span", { class: "tools" },
      iconButton("pen", say("rename_named", { title }), () => rename(conversation)),
      iconButton("save", say("export_named", { title }), () => save(conversation)),
      iconButton("bin", say("delete_named", { title }), () => remove(conversation))));
  }

  async function load(before) {
    try {
      const page = await api.conversations(before);
      known = before ? [...known, ...page.conversations] : page.conversations;
      [next, failed] = [page.next, null];
    } catch (error) {
      failed = error;
    }
    draw();
  }

  async function attempt(work) {
    try {
      await work();
    } catch (error) {
      failed = error;
      draw();
    }
  }

  async function rename(conversation) {
    const title = await line(say("new_title"), conversation.title);
    if (!title) return;
    await attempt(async () => {
      const renamed = await api.rename(conversation.id, title);
      known = known.map((one) => (one.id === renamed.id ? renamed : one));
      done(say("renamed"), `[aria-label="${CSS.escape(say("rename_named", { title: renamed.title }))}"]`);
    });
  }

  async function remove(conversation) {
    if (!await sure(`${say("delete_sure")} «${conversation.title}»`, say("delete"))) return;
    await attempt(async () => {
      await api.remove(conversation.id);
      known = known.filter((one) => one.id !== conversation.id);
      on.gone(conversation.id);
      done(say("deleted"), null);
    });
  }

  const save = ({ id }) => attempt(async () => download(await api.conversationMarkdown(id), `conversation-${id}.md`));

  /** Redrawing takes the focus away: give it back to what was pressed, or to the list's first button. */
  function done(words, selector) {
    draw();
    announce(words);
    ((selector && $("conversations").querySelector(selector)) || $("fresh")).focus();
  }

  function mark(id) {
    current = id;
    draw();
  }

  document.addEventListener("spoken", draw);
  return { load, mark };
}
