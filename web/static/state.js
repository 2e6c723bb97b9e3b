// The page's state of the node, and how it is kept up to date: by events, and by requests where there are none.
import { measures, onChain } from "./words.js";
import { MOST_ROUNDS, NodeError, ask, listen, rounds } from "./api.js";

const TICK = 1000;
const SETTLE = 120;
const ROLLING = 1000;
const LISTED = 30;
const STRIP = 60;
const PACE_BLOCKS = 20;
const LARGE = 200;
// Of the sessions that a report lists there are at most so many rows; and so many milliseconds for each row pass between two reports.
const MOST_ROWS = 4000;
const ROW_MS = 5;

export const state = {
  status: null,
  /** rolling are the servicers by their newest checks, by relay chain and geo zone; null before they are known. */
  rolling: null,
  /** sessions by id. */
  sessions: new Map(),
  /** rounds by session id and index, of the sessions that are drawn. */
  rounds: new Map(),
  listed: false,
  live: false,
  /** When the node last answered and when the last block was seen, in milliseconds of this page; why it does not answer. */
  answered: 0,
  blockSeen: 0,
  failure: null,
  /** Why the fisherman's samples cannot be read; null when they can. */
  refusal: null,
  paces: [],
};

// Before the first block there is nothing to request.
const canAsk = () => measures() && (!onChain() || state.status.height > 0);

/** checksPast counts the planned checks of a session that are over. */
export const checksPast = (session) => session.checks_done + session.checks_dropped + session.checks_void;

/** isRunning reports whether a session has blocks, or time, to come. */
export const isRunning = (session) => (session.started ? Date.now() < Date.parse(session.ended)
  : onChain() ? state.status !== null && state.status.height < session.height + session.blocks - 1
    : !session.complete && checksPast(session) < session.checks_planned);

/** current returns the running sessions, or the newest of each application and relay chain. */
export function current() {
  const newest = new Map();
  for (const session of state.sessions.values()) {
    const key = [session.application, session.relay_chain, session.geo_zone, session.vantage].join();
    if (!(newest.get(key)?.height > session.height)) newest.set(key, session);
  }
  const all = [...newest.values()], running = all.filter(isRunning);
  return running.length ? running : all;
}

/** blockSeconds returns the observed time between blocks; null before it is known. */
export function blockSeconds() {
  const first = state.paces[0], last = state.paces.at(-1);
  if (!first || last.height - first.height < 3) return null;
  return (last.at - first.at) / (last.height - first.height) / 1000;
}

/** roundsOf returns the checks of a session that are kept, by index. */
export const roundsOf = (id) => state.rounds.get(id) ?? new Map();

let changed = () => {};
let wanted = null;
let member = null;
let rollingAt = 0;
let rollingDue = null;
let stopListening = null;
let ticker = null;
let asking = false;
let behind = true;
const stale = new Set();
let settling = null;

/** start keeps the state up to date while the page is visible; onChange is called with what to redraw: true for everything. */
export function start(onChange) {
  changed = onChange;
  const seen = () => (document.hidden ? rest() : wake());
  document.addEventListener("visibilitychange", seen);
  seen();
}

/** want sets a session that is drawn besides the current ones, and whose samples are; null for none, and for all. */
export function want(id, servicer = null) {
  if (wanted === id && member === servicer) return;
  for (const one of [wanted, id]) if (isLarge(state.sessions.get(one))) state.rounds.delete(one);
  wanted = id;
  member = servicer;
  if (id) refresh(id);
}

/** isLarge reports whether a session has so many servicers that its checks are read for one of them only. */
export const isLarge = (session) => (session?.servicers.length ?? 0) > LARGE;

// rows counts the rows that a report of the current sessions has.
const rows = () => (state.rolling ?? []).reduce((all, { servicers }) => all + servicers.length, 0);

function wake() {
  if (ticker) return;
  behind = true;
  state.paces = [];
  state.blockSeen = Date.now();
  ticker = setInterval(tick, TICK);
  tick();
}

// A hidden page leaves its connection to the node to others.
function rest() {
  clearInterval(ticker);
  ticker = null;
  stopListening?.();
  stopListening = null;
  state.live = false;
}

async function tick() {
  if (asking) return changed(false);
  asking = true;
  try {
    await look();
    if (canAsk() && !stopListening && ticker) stopListening = listen(heard);
    if (canAsk() && (behind || !state.live)) await catchUp();
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    if (error.code) state.refusal = error;
    else state.failure ??= error;
  } finally {
    asking = false;
    changed(false);
  }
}

async function look() {
  const status = await ask("/v1/status");
  const now = Date.now(), before = state.status;
  state.answered = now;
  if (state.failure) behind = true;
  state.failure = null;
  if (!before || status.height !== before.height) {
    state.blockSeen = now;
    if (before) state.paces = [...state.paces, { height: status.height, at: now }].slice(-PACE_BLOCKS);
  }
  state.status = status;
  if (!before || before.height !== status.height || before.fisherman !== status.fisherman) changed(true);
}

// catchUp reads everything that is drawn.
async function catchUp() {
  if (state.rolling === null) { // how many servicers there are says how many sessions are asked for
    takeRolling(await ask("/v1/qos", { last: 1 }));
    changed(true);
  }
  const report = await ask("/v1/qos", { last: Math.max(2, Math.min(LISTED, Math.floor(MOST_ROWS / Math.max(1, rows())))) });
  behind = false;
  takeRolling(report);
  state.refusal = null;
  state.listed = true;
  const kept = state.sessions.get(wanted);
  state.sessions = byId(report.sessions);
  if (kept && !state.sessions.has(wanted)) state.sessions.set(wanted, kept);
  const drawn = new Set(current().map((session) => session.id));
  if (wanted) drawn.add(wanted);
  for (const id of state.rounds.keys()) if (!drawn.has(id)) state.rounds.delete(id);
  changed(true);
  for (const id of drawn) await readRounds(id);
  changed(true);
}

// byId returns sessions by id: of one that several vantage points follow the first's.
function byId(sessions) {
  const all = new Map();
  for (const session of sessions) if (!all.has(session.id)) all.set(session.id, session);
  return all;
}

function takeRolling(report) {
  state.rolling = report.rolling ?? [];
  rollingAt = Date.now();
}

// readRolling reads the servicers' newest checks again, unless that was done a moment ago.
function readRolling() {
  if (rollingDue) return;
  const wait = Math.max(SETTLE, rollingAt + Math.max(ROLLING, rows() * ROW_MS) - Date.now());
  rollingDue = setTimeout(async () => {
    try {
      takeRolling(await ask("/v1/qos", { last: 1 }));
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      behind = true;
    }
    rollingDue = null;
    changed(true);
  }, wait);
}

async function readRounds(id) {
  const session = state.sessions.get(id);
  if (!session) return;
  const servicer = isLarge(session) ? member : undefined;
  if (servicer === null || isLarge(session) && id !== wanted) return;
  const held = roundsOf(id), past = checksPast(session);
  const most = id === wanted ? MOST_ROUNDS : STRIP;
  let from = Math.max(0, past - most);
  while (held.has(from)) from++;
  for (const round of await rounds(id, from, servicer, session.vantage)) held.set(round.index, round);
  state.rounds.set(id, held);
}

/** refresh reads one session again. */
async function refresh(id) {
  try {
    const report = await ask("/v1/qos", { session: id });
    for (const [one, session] of byId(report.sessions)) state.sessions.set(one, session);
    if (!state.rounds.has(id) || id === wanted && !complete(id)) await readRounds(id);
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    if (error.code !== "unknown_session") behind = true;
  }
  changed(true);
}

const complete = (id) => roundsOf(id).size >= Math.min(MOST_ROUNDS, checksPast(state.sessions.get(id) ?? { checks_done: 0, checks_dropped: 0, checks_void: 0 }));

function later(id) {
  stale.add(id);
  settling ??= setTimeout(() => {
    settling = null;
    for (const one of stale) refresh(one);
    stale.clear();
  }, Math.max(SETTLE, (state.sessions.get(id)?.servicers.length ?? 0) * ROW_MS));
}

const heard = {
  changed(live) {
    state.live = live;
    if (live) behind = true;
  },
  round(round) {
    if (state.rounds.has(round.session) && round.vantage === state.sessions.get(round.session)?.vantage) {
      const held = state.rounds.get(round.session), large = isLarge(state.sessions.get(round.session));
      held.set(round.index, large ? { ...round, samples: round.samples.filter(({ servicer }) => servicer === member) } : round);
      while (held.size > MOST_ROUNDS) held.delete(Math.min(...held.keys()));
    }
    later(round.session);
    readRolling();
  },
  session(notice) {
    if (!state.sessions.has(notice.id)) behind = true;
    later(notice.id);
  },
  gap() {
    behind = true;
  },
};
