// The routes of the assistant. Sends the key where there is one, and turns every failure into a Problem.
import { events } from "/static/events.js";

const KEY = "key";

/** What went wrong: an answer of the assistant, or `status` UNREACHABLE or CUT; `wait` in seconds where it is known. */
export class Problem extends Error {
  constructor({ title, detail, status, request_id: id }, wait = null) {
    super(title);
    Object.assign(this, { title, detail, status, id, wait });
  }
}
export const UNREACHABLE = "unreachable", CUT = "cut";

/** The API. `askKey(wrong)` resolves to a key, or to null if the reader has none. */
export function createApi(askKey) {
  let asking = null;  // several requests may need the key at once; it is asked for once

  async function send(method, path, { body, signal, accept = "application/json", ...headers } = {}) {
    const key = kept();
    if (key) headers.Authorization = `Bearer ${key}`;
    if (body) headers["Content-Type"] = "application/json";
    const sent = { method, signal, headers: { Accept: accept, ...headers }, body: body && JSON.stringify(body) };
    const response = await reach(path, sent);
    if (response.status === 401 && await renewed(key)) return send(method, path, { body, signal, accept, ...headers });
    if (!response.ok) throw await problem(response);
    return response;
  }

  async function renewed(used) {
    if (kept() !== used) return true;
    asking = asking || askKey(Boolean(used)).finally(() => { asking = null; });
    const key = await asking;
    if (key) keep(key);
    return Boolean(key);
  }

  const json = async (...request) => (await send(...request)).json();
  const one = (id) => `/api/conversations/${encodeURIComponent(id)}`;
  const recorded = (trace) => `/api/answers/${encodeURIComponent(trace)}`;

  return {
    ask: (body, options, on) => ask(send, body, options, on),
    source: (id) => json("GET", `/api/sources/${encodeURIComponent(id)}`),
    answer: (trace) => json("GET", recorded(trace)),
    answerMarkdown: async (trace) => (await send("GET", `${recorded(trace)}?format=markdown`, MARKDOWN)).blob(),
    conversations: (before) => json("GET", `/api/conversations${since(before)}`),
    conversation: (id, before) => json("GET", one(id) + since(before)),
    conversationMarkdown: async (id) => (await send("GET", `${one(id)}?format=markdown`, MARKDOWN)).blob(),
    rename: (id, title) => json("PATCH", one(id), { body: { title } }),
    remove: (id) => send("DELETE", one(id)),
    judge: (verdict) => send("POST", "/api/feedback", { body: verdict }),
    ready: async () => (await reach("/readyz", {})).status === 200,
  };
}

const since = (before) => (before ? `?before=${encodeURIComponent(before)}` : "");
const MARKDOWN = { accept: "text/markdown" };

/** Ask, and call `on.sentence` with each sentence as it comes; returns the Answer. */
async function ask(send, body, { signal, request }, on) {
  const options = { body, signal, accept: "text/event-stream", "Idempotency-Key": request };
  return whole(await send("POST", "/api/chat", options), on);
}

async function whole(response, on) {
  try {
    for await (const { event, data } of events(response.body)) {
      if (event === "sentence") on.sentence(data);
      if (event === "error") throw new Problem(data);
      if (event === "done") return data;
    }
  } catch (error) {
    if (error instanceof Problem || error.name === "AbortError") throw error;
  }
  throw new Problem({ status: CUT, request_id: response.headers.get("X-Request-Id") });
}

async function reach(path, options) {
  try {
    return await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ status: UNREACHABLE });
  }
}

async function problem(response) {
  const wait = Number(response.headers.get("Retry-After")) || null;
  const id = response.headers.get("X-Request-Id");
  let body = {};
  try { body = await response.json(); } catch { /* a proxy's page: its status must do */ }
  const { title = String(response.status), detail, request_id = id } = body;
  return new Problem({ title, detail, request_id, status: response.status }, wait);
}

function kept() {
  try { return sessionStorage.getItem(KEY); } catch { return null; }
}

function keep(key) {
  try { sessionStorage.setItem(KEY, key); } catch { /* it is asked for again */ }
}

/** A name for a request, so that the assistant knows it when it is sent again. */
export function requestName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
