// The node's own part: whether it is ready, what its servicers took of relays, and how the nodes behind them do.
import { NodeError, ask, text } from "./api.js";
import { h } from "./dom.js";
import { NONE, named, percent, plural, short } from "./format.js";
import { fact, table } from "./parts.js";
import { state } from "./state.js";

const FRESH = 5000;
const SESSIONS = 20;

const kept = { at: 0, ready: null, relays: null, counts: null, failure: null };

/** readNode fetches what a node says of itself if that is not fresh, and calls done when it has come. */
export async function readNode(done) {
  if (Date.now() - kept.at < FRESH) return;
  kept.at = Date.now();
  try {
    kept.ready = await readiness();
    if (state.status?.relays) {
      kept.relays = await ask("/v1/relays", { last: SESSIONS });
      kept.counts = counted(await text("/metrics"));
    }
    kept.failure = null;
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    kept.failure = error.message;
  }
  done();
}

async function readiness() {
  try {
    await ask("/v1/ready");
    return { is: true, words: "level with its chain" };
  } catch (error) {
    if (!(error instanceof NodeError) || error.code !== "not_ready") throw error;
    return { is: false, words: error.message };
  }
}

const LINE = /^pocket_servicer_relays_total\{([^}]*)\} (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

// counted reads the relays of each servicer by code out of metrics.
function counted(metrics) {
  const all = new Map();
  for (const line of metrics?.split("\n") ?? []) {
    const [, labels, count] = LINE.exec(line) ?? [];
    if (!labels) continue;
    const { servicer, code } = Object.fromEntries([...labels.matchAll(LABEL)].map(([, name, value]) => [name, value]));
    const of = all.get(servicer) ?? new Map();
    all.set(servicer, of.set(code, (of.get(code) ?? 0) + Number(count)));
  }
  return metrics === null ? null : all;
}

const ANSWERED = "ANSWERED";

// The codes that speak of the node behind a servicer, not of the request.
const UPSTREAM = { UPSTREAM_UNREACHABLE: "it was not reached", UPSTREAM_TIMEOUT: "it did not answer in time", UPSTREAM_TOO_LARGE: "its answer was too large", UPSTREAM_NOT_JSON: "its answer was not JSON" };

const REFUSED = { TOO_LARGE: "the request was too large", MALFORMED: "the request could not be read", WRONG_SERVICER: "it was addressed to another servicer", SESSION_NOT_CURRENT: "of a session that is not current",
  CHAIN_NOT_SERVED: "of a relay chain that is not served", APPLICATION_NOT_STAKED: "the application is not staked", NOT_IN_SESSION: "the servicer is not in the session", REPLAYED: "it was asked before",
  SIGNER_NOT_ALLOWED: "the signer may not ask", BAD_SIGNATURE: "the signature is wrong", OVER_ALLOWANCE: "the application's allowance is used up", BUSY: "too many at once", NOT_READY: "the node was not level with its chain" };

const sum = (of, codes) => codes.reduce((all, code) => all + (of.get(code) ?? 0), 0);

function upstream(of) {
  const failed = sum(of, Object.keys(UPSTREAM)), asked = failed + sum(of, [ANSWERED]);
  if (!asked) return h("span", { class: "quiet" }, "not asked yet");
  const why = Object.keys(UPSTREAM).filter((code) => of.get(code)).map((code) => `${of.get(code)} times ${UPSTREAM[code]}`).join(", ");
  return h("div", { class: "judged" }, h("span", { class: `verdict ${failed ? failed * 10 > asked ? "unavailable" : "slow" : "healthy"}` }, h("span", { class: "sign", "aria-hidden": "true" }, failed ? "×" : "✓"),
    `answered ${asked - failed} of ${asked}`), h("span", { class: "reason" }, failed ? `${percent(failed / asked)} failed: ${why}` : "every relay that reached it"));
}

function refusals(of) {
  const found = [...of].filter(([code, count]) => count && code !== ANSWERED && !(code in UPSTREAM)).sort((a, b) => b[1] - a[1]);
  if (!found.length) return h("span", { class: "quiet" }, "none");
  return h("ul", { class: "reasons" }, found.map(([code, count]) => h("li", null, `${count} ${code.toLowerCase()}`, REFUSED[code] ? `: ${REFUSED[code]}` : "")));
}

function servicers() {
  const empty = new Map(), failed = ({ address }) => sum(kept.counts?.get(address) ?? empty, Object.keys(UPSTREAM));
  const all = kept.relays.servicers.toSorted((a, b) => failed(b) - failed(a));
  const columns = [{ name: "Servicer" }, { name: "Answered", number: true }, { name: "Node behind it" }, { name: "Refused" }, { name: "Kept" }];
  return table("The node's servicers", columns, all.map((of) => {
    const counts = kept.counts?.get(of.address) ?? empty;
    return { key: of.address, cells: [h("span", { class: "mono", title: of.address }, named(of.address)), kept.counts ? counts.get(ANSWERED) ?? 0 : NONE, kept.counts ? upstream(counts) : NONE, kept.counts ? refusals(counts) : NONE,
      `${of.stored} on disk` + (of.dropped ? `, ${of.dropped} dropped: the queue was full` : "") + (of.failed ? `, ${of.failed} not taken by the store` : "")] };
  }), "relays");
}

const bytes = (count) => (count < 1e6 ? `${(count / 1e3).toFixed(0)} kB` : `${(count / 1e6).toFixed(1)} MB`);

function relays() {
  if (!state.status.relays) return h("p", { class: "quiet" }, "It runs no servicer, so that it answers no relays.");
  if (!kept.relays) return h("p", { class: "empty" }, kept.failure ?? "Asking the node …");
  const { store, sessions } = kept.relays;
  return [servicers(), kept.counts ? h("p", { class: "quiet small" }, "Counted since the node began to run.") : h("p", { class: "quiet small" }, "The node has no metrics, so that relays are not counted by what became of them."),
    h("dl", { class: "facts" }, fact("relays kept", `${store.relays} of ${plural(store.sessions, "session")}, ${bytes(store.bytes)}`), fact("failures of the disk", store.failures), fact("sessions removed to make room", store.evicted_sessions)),
    sessions.length ? [h("h3", null, "Sessions with kept relays, the newest first"), table("Sessions with kept relays", [{ name: "Session" }, { name: "From block", number: true }, { name: "Relay chain" }, { name: "Application" }, { name: "Relays", number: true }],
      sessions.toReversed().map((of) => ({ key: of.id, cells: [h("span", { class: "mono", title: of.id }, short(of.id)), of.start_height, `${of.relay_chain} ${of.geo_zone}`, h("span", { class: "mono", title: of.application }, named(of.application)), of.relays] })), "past")] : null];
}

/** node is the page of the node itself. */
export function node(heading) {
  const { status } = state, { ready } = kept;
  return [h("section", { class: "card", "data-key": "node" }, h("div", { class: "cardhead" }, h("h1", null, heading)),
    status.fisherman ? null : h("p", null, "This node follows the chain, but measures nobody. Sessions and servicers are shown by a node that runs a fisherman."),
    h("dl", { class: "facts" }, fact("chain", status.chain_id), fact("height", status.height), fact("ready", ready ? [h("span", { class: `verdict ${ready.is ? "healthy" : "slow"}` }, h("span", { class: "sign", "aria-hidden": "true" }, ready.is ? "✓" : "!"),
      ready.is ? "yes" : "no"), ` ${ready.words}`] : NONE), fact("servicers", status.relays ? kept.relays?.servicers.length ?? NONE : 0))),
  h("section", { class: "card", "data-key": "relays", "aria-label": "Relays" }, h("div", { class: "cardhead" }, h("h2", null, "Relays")), relays())];
}
