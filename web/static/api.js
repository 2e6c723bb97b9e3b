// Reads the node's API: requests, and the stream of events.

/** NodeError is an error of the node (code and message) or, without a code, a missing answer. */
export class NodeError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const PATIENCE = 8000;

// The newest answers with their tags, by what was asked for: one that did not change is not sent again.
const kept = new Map();
const MOST_KEPT = 12;
const MOST_KEPT_SIZE = 1 << 20;

function keep(target, tag, text) {
  kept.delete(target);
  if (tag && text.length <= MOST_KEPT_SIZE) kept.set(target, { tag, text });
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
}

/** ask reads a path of the node's API. */
export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null));
  const target = query.size ? `${path}?${query}` : path, known = kept.get(target);
  let response, body;
  try {
    const headers = known ? { "If-None-Match": known.tag } : {};
    response = await fetch(target, { signal: AbortSignal.timeout(PATIENCE), cache: "no-store", headers });
    if (response.status === 304 && known) return JSON.parse(known.text);
    const text = await response.text();
    body = JSON.parse(text);
    if (response.ok) keep(target, response.headers.get("ETag"), text);
  } catch (cause) {
    throw new NodeError("", `no answer: ${cause.message}`);
  }
  if (!response.ok) throw new NodeError(body?.error?.code ?? "failed", body?.error?.message ?? `HTTP ${response.status}`);
  return body;
}

/** text reads a path of the node that is plain text; null where the node has no such path. */
export async function text(path) {
  try {
    const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
    return response.ok ? await response.text() : null;
  } catch (cause) {
    throw new NodeError("", `no answer: ${cause.message}`);
  }
}

/** rounds reads the checks of a session, starting at an index. */
export async function rounds(session, from, servicer, vantage) {
  const all = [];
  for (let next = from; next !== null && all.length < MOST_ROUNDS;) {
    const page = await ask("/v1/qos/rounds", { session, from: next, limit: MOST_ROUNDS, servicer, vantage });
    all.push(...page.rounds);
    next = page.next;
  }
  return all;
}

/** The maximum number of checks of a session that are kept. */
export const MOST_ROUNDS = 1000;

const RETRY = 10000;

/** listen receives the node's events until it is stopped; heard has a function for each kind, and changed(live). */
export function listen(heard) {
  let source, retry, stopped = false;
  const start = () => {
    source = new EventSource("/v1/qos/events");
    source.onopen = () => heard.changed(true);
    source.onerror = () => {
      heard.changed(false);
      // An error response ends an EventSource permanently; a lost connection does not.
      if (source.readyState === EventSource.CLOSED && !stopped) retry = setTimeout(start, RETRY);
    };
    for (const kind of ["round", "session", "gap"]) source.addEventListener(kind, (event) => heard[kind](JSON.parse(event.data)));
  };
  start();
  return () => {
    stopped = true;
    clearTimeout(retry);
    source.close();
  };
}
