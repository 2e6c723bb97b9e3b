// Fetches the quality of service over time: of what is shown only, a few at once, and no more often than it can change.
import { NodeError, ask } from "./api.js";

/** RANGES are how far back is looked, with the steps of charts and of the strips of all servicers, and how often is asked. */
export const RANGES = {
  "1h": { words: "1 hour", seconds: 3600, step: "5m", strip: "5m", fresh: 15000 },
  "24h": { words: "24 hours", seconds: 86400, step: "15m", strip: "1h", fresh: 60000 },
  "7d": { words: "7 days", seconds: 604800, step: "1h", strip: "6h", fresh: 120000 },
  "30d": { words: "30 days", seconds: 2592000, step: "6h", strip: "1d", fresh: 300000 },
};

const ATONCE = 4;
const MOST_KEPT = 400;
const RETRY = 15000;

const kept = new Map();
let running = 0;
const waiting = [];

/** past returns what is known of a stretch of time: { history, failure }, and asks for it if that is stale; done is called when it has come. */
export function past(range, step, of, done) {
  const key = JSON.stringify([range, step, of]), fresh = RANGES[range].fresh;
  let known = kept.get(key);
  if (!known) {
    known = { at: 0, history: null, failure: null, asked: false };
    kept.set(key, known);
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  }
  known.wanted = Date.now();
  if (!known.asked && Date.now() - known.at >= fresh) {
    known.asked = true;
    waiting.push({ known, fresh, parameters: { ...of, last: range, step }, done });
    next();
  }
  return known;
}

async function next() {
  if (running >= ATONCE || !waiting.length) return;
  const { known, fresh, parameters, done } = waiting.shift();
  running++;
  try {
    known.history = await ask("/v1/qos/history", parameters);
    known.failure = null;
    known.at = Date.now();
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    known.failure = error.message;
    known.at = Date.now() - fresh + RETRY;
  } finally {
    running--;
    known.asked = false;
    done();
    next();
  }
}
