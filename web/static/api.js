// Reads the node's API: requests, and the stream of events.

/** NodeError is an error of the node (code and message) or, without a code, a missing answer. */
export class NodeError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const PATIENCE = 8000;

/** ask reads a path of the node's API. With the cache "no-cache" an answer that the browser has kept is asked for by its tag. */
export async function ask(path, parameters = {}, cache = "no-store") {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null));
  let response, body;
  try {
    response = await fetch(query.size ? `${path}?${query}` : path, { signal: AbortSignal.timeout(PATIENCE), cache });
    body = await response.json();
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
