// A source beside the answer, scrolled to the quote.
import { about } from "/static/chips.js";
import { $, foreign, make, webAddress } from "/static/dom.js";
import { failure } from "/static/answer.js";
import { say } from "/static/words.js";

const NARROW = window.matchMedia("(max-width: 699px)");

/** The panel. `fetchSource(id)` gets a source. */
export function createSource(fetchSource) {
  let shown = null;   // the citation in the panel
  let opener = null;  // the button that opened it, which gets the focus back

  async function open(citation, from) {
    [shown, opener] = [citation, from];
    head(citation);
    $("source-text").replaceChildren(make("p", { class: "about" }, say("opening")));
    $("source").hidden = false;
    document.body.classList.add("reading");
    cover(NARROW.matches);
    $("source-title").focus();
    await fill(citation);
  }

  async function fill(citation) {
    try {
      const source = await fetchSource(citation.document_id);
      if (shown === citation) body(source, citation);
    } catch (error) {
      if (shown === citation) missing(error, citation);
    }
  }

  function close() {
    if (!shown) return false;
    [shown, $("source").hidden] = [null, true];
    document.body.classList.remove("reading");
    cover(false);
    if (opener?.isConnected) opener.focus(); else $("question").focus();
    return true;
  }

  $("source-close").addEventListener("click", close);
  NARROW.addEventListener("change", () => cover(Boolean(shown) && NARROW.matches));
  document.addEventListener("spoken", () => { if (shown) { head(shown); fill(shown); } });
  return { open, close };
}

/** On a narrow screen the panel lies over everything, so nothing under it may be reached. */
function cover(covered) {
  for (const id of ["header", "chat"]) $(id).inert = covered;
}

function head(source) {
  $("source-title").replaceChildren(foreign(source.title));
  $("source-about").replaceChildren(foreign(about(source)));
  const address = webAddress(source.url);
  $("source-link").hidden = !address;
  $("source-nolink").hidden = Boolean(address);
  if (address) $("source-link").href = address; else $("source-link").removeAttribute("href");
}

function body(source, citation) {
  const points = Array.from(source.text);  // offsets count code points, JavaScript counts halves of them
  const text = (start, end) => points.slice(start, end).join("");
  const unchanged = citation.quote === undefined || text(citation.start, citation.end) === citation.quote;
  const blocks = source.blocks.map(({ start, end }) => {
    const [from, to] = [Math.max(start, citation.start), Math.min(end, citation.end)];
    if (!unchanged || from >= to) return make("p", { dir: "auto" }, text(start, end));
    return make("p", { dir: "auto" }, text(start, from), make("mark", {}, text(from, to)), text(to, end));
  });
  $("source-text").lang = source.language;
  $("source-text").replaceChildren(
    unchanged ? "" : recorded("source_changed", citation),
    make("p", { class: "about form" }, say(source.form === "summary" ? "form_summary" : "form_original")), ...blocks);
  $("source-text").querySelector("mark")?.scrollIntoView({ block: "center" });
}

function missing(error, citation) {
  const gone = error.status === 404 && citation.quote !== undefined;
  const said = gone ? recorded("source_gone", citation) : failure(say("failed_open"), error, null);
  $("source-text").replaceChildren(said);
}

function recorded(key, citation) {
  return make("div", { class: "notice" }, make("p", {}, say(key)), foreign(citation.quote, "blockquote"));
}
