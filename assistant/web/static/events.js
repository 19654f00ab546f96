// Server-sent events, read from a response's body as they come.

/** The events of `stream` in order, each {event, data}; comments and half events are left out. */
export async function* events(stream) {
  let waiting = "";
  for await (const text of chunks(stream)) {
    const blocks = (waiting + text).replace(/\r\n?/g, "\n").split("\n\n");
    waiting = blocks.pop();
    for (const block of blocks) {
      const found = parse(block);
      if (found) yield found;
    }
  }
}

/** One event from its lines, null where there is no data in them. */
export function parse(block) {
  const found = { event: "message", data: [] };
  for (const line of block.split("\n")) {
    const [, name, value] = /^(\w*): ?(.*)$/.exec(line) || [];
    if (name === "event") found.event = value;
    if (name === "data") found.data.push(value);
  }
  return found.data.length ? { event: found.event, data: JSON.parse(found.data.join("\n")) } : null;
}

async function* chunks(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";  // a line end may be cut in two: hold back its first half
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const text = held + value;
      held = text.endsWith("\r") ? "\r" : "";
      yield held ? text.slice(0, -1) : text;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}
