// Whether the assistant can be asked: looks until it can, and says meanwhile what is the matter.
import { $, announce } from "/static/dom.js";
import { say } from "/static/words.js";

const PAUSE = 2000;  // milliseconds

/** Resolves once the assistant is ready; until then a line above the question says what it waits for. */
export async function untilReady(ready) {
  for (let tries = 0; ; tries += 1) {
    const state = await ready().then((yes) => (yes ? "ready" : "starting"), () => "offline");
    if (state === "ready") {
      $("waiting").hidden = true;
      if (tries) announce(say("ready"));
      return;
    }
    tell(state);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

function tell(state) {
  if ($("waiting").dataset.say === state && !$("waiting").hidden) return;
  $("waiting").dataset.say = state;
  $("waiting").textContent = say(state);
  $("waiting").hidden = false;
}
