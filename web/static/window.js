// Merged sessions: the newest n, or those of a period.
import { link } from "./address.js";
import { NodeError, ask } from "./api.js";
import { h } from "./dom.js";
import { timeAxis, timeScale } from "./charts.js";
import { term } from "./explain.js";
import { NONE, day, micros, plural, short } from "./format.js";
import { paged } from "./list.js";
import { answered, fact, freshness, reason, share, table, tally, verdict, who } from "./parts.js";
import { state } from "./state.js";
import { placeRows, rtt, rttsOf, unfold } from "./vantage.js";
import { onChain, place, words } from "./words.js";

const SPANS = ["10", "100", "1h", "24h"];
const FRESH = 10000;

const kept = { span: null, at: 0, report: null, failure: null };

/** readWindow fetches a window if it is not fresh, and calls done when it has arrived. */
export async function readWindow(span, done) {
  if (kept.span === span && Date.now() - kept.at < FRESH) return;
  if (kept.span !== span) Object.assign(kept, { report: null, failure: null });
  Object.assign(kept, { span, at: Date.now() });
  try {
    const report = await ask("/v1/qos", { window: span });
    if (kept.span === span) Object.assign(kept, { report, failure: null });
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    if (kept.span === span) kept.failure = error.message;
  }
  done();
}

// members lists the sessions of a window that the page knows.
function members(of) {
  const begin = Date.parse(of.from), end = Date.parse(of.to);
  const found = [...state.sessions.values()].filter((session) => session.complete && session.relay_chain === of.relay_chain && session.geo_zone === of.geo_zone
    && (session.started ? Date.parse(session.started) >= Date.parse(of.started) && Date.parse(session.ended) <= Date.parse(of.ended) : session.height >= of.first_height && session.height <= of.last_height));
  if (!found.length || Number.isNaN(begin + end)) return null;
  return h("p", { class: "sessions small" }, h("span", { class: "quiet" }, found.length < of.sessions ? `The newest ${found.length} of its sessions: ` : "Its sessions: "),
    found.sort((a, b) => b.height - a.height).map((session) => [h("a", { href: link(["session", session.id]), class: "mono" }, short(session.id)), " "]));
}

function one(of) {
  const scale = timeScale(rttsOf(of.servicers));
  const columns = [{ name: words(of).Servicer }, { name: "Verdict", term: "verdict" }, { name: "Rank", number: true, term: "rank" }, { name: "Availability", term: "availability" },
    { name: "Round-trip time", term: "rtt", extra: timeAxis(scale, null) }, { name: "Consistency", term: "consistency" }, { name: "Lag, blocks", term: "lag" },
    { name: "Verdicts of its sessions" }];
  const { rows, more } = paged(of.servicers, place(of));
  const name = of.started || !onChain() ? `Group ${of.relay_chain}` : `Relay chain ${of.relay_chain}, zone ${of.geo_zone}`;
  return h("section", { class: "card", "data-key": place(of), "aria-label": name },
    h("div", { class: "cardhead" }, h("h2", null, name), h("span", { class: "quiet" }, plural(of.sessions, "session") + (of.sessions_left_out ? `, ${of.sessions_left_out} left out` : ""))),
    h("div", { class: "facts" }, h("dl", null, of.started ? [fact("from", day(of.started)), fact("to", day(of.ended))]
      : [fact("blocks", of.first_height === null ? NONE : `${of.first_height} to ${of.last_height}`), fact("from", day(of.from)), fact("to", day(of.to))],
      fact("checks", `${of.checks_done} done, ${of.checks_dropped} `, term("dropped"), `, ${of.checks_void} `, term("void"), ` of ${of.checks_planned}`), fact(["largest ", term("skew")], micros(of.max_skew_us)))),
    members(of),
    table(`${words(of).Servicers}, ${name}, worst first`, columns, rows.flatMap((servicer) => [{ key: servicer.servicer, cells: [
      [who(servicer, link(["servicer", servicer.servicer])), unfold(of, servicer)], h("div", { class: "judged" }, verdict(servicer.verdict), reason(servicer)), servicer.rank ?? NONE,
      share(servicer.availability, "Available", answered(servicer)),
      rtt(scale, servicer, null),
      share(servicer.consistency, "Consistent", `${servicer.consistency.agree} of ${servicer.consistency.agree + servicer.consistency.disagree}`),
      freshness(servicer.freshness), h("span", { class: "tally" }, tally(servicer.verdicts))] },
    ...placeRows(of, servicer, scale, null, () => [NONE])]), "servicers"), more);
}

/** windows is the page of a window. */
export function windows(span) {
  const body = kept.failure ? h("p", { class: "empty" }, kept.failure) : !kept.report ? h("p", { class: "empty" }, "Asking the node …")
    : kept.report.windows.some(({ sessions }) => sessions) ? kept.report.windows.map(one) : h("p", { class: "empty" }, "No complete session so far.");
  return [h("div", { class: "cardhead" }, h("h1", null, "Windows"),
    h("nav", { class: "spans", "aria-label": "Length of the window" }, SPANS.map((choice) => h("a", { href: `#/window/${choice}`, "aria-current": choice === span ? "page" : null },
      /h$/.test(choice) ? choice : `${choice} sessions`)))), body];
}
