// Merged sessions: the newest n, or those of a period.
import { NodeError, ask } from "./api.js";
import { h } from "./dom.js";
import { timeAxis, timeScale, times } from "./charts.js";
import { NONE, day, micros, plural } from "./format.js";
import { answered, fact, freshness, quantiles, reason, share, table, tally, verdict, who } from "./parts.js";
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

function one(of) {
  const scale = timeScale(of.servicers.flatMap(({ rtt_ms: rtt }) => [rtt.p10, rtt.p99]).filter((time) => time !== null));
  const columns = [{ name: words(of).Servicer }, { name: "Verdict" }, { name: "Rank", number: true }, { name: "Availability" },
    { name: "Round-trip time", extra: timeAxis(scale, null) }, { name: "Consistency" }, { name: "Lag, blocks" },
    { name: "Verdicts of its sessions" }];
  const name = of.started || !onChain() ? `Group ${of.relay_chain}` : `Relay chain ${of.relay_chain}, zone ${of.geo_zone}`;
  return h("section", { class: "card", "data-key": place(of), "aria-label": name },
    h("div", { class: "cardhead" }, h("h2", null, name), h("span", { class: "quiet" }, plural(of.sessions, "session") + (of.sessions_left_out ? `, ${of.sessions_left_out} left out` : ""))),
    h("div", { class: "facts" }, h("dl", null, of.started ? [fact("from", day(of.started)), fact("to", day(of.ended))]
      : [fact("blocks", of.first_height === null ? NONE : `${of.first_height} to ${of.last_height}`), fact("from", day(of.from)), fact("to", day(of.to))],
      fact("checks", `${of.checks_done} done, ${of.checks_dropped} dropped, ${of.checks_void} void of ${of.checks_planned}`), fact("largest skew", micros(of.max_skew_us)))),
    table(`${words(of).Servicers}, ${name}, worst first`, columns, of.servicers.map((servicer) => ({ key: servicer.servicer, cells: [
      who(servicer), h("div", { class: "judged" }, verdict(servicer.verdict), reason(servicer)), servicer.rank ?? NONE,
      share(servicer.availability, "Available", answered(servicer)),
      h("div", { class: "rtt" }, times(scale, servicer.rtt_ms, [], null), quantiles(servicer.rtt_ms)),
      share(servicer.consistency, "Consistent", `${servicer.consistency.agree} of ${servicer.consistency.agree + servicer.consistency.disagree}`),
      freshness(servicer.freshness), h("span", { class: "tally" }, tally(servicer.verdicts))] })), "servicers"));
}

/** windows is the page of a window. */
export function windows(span) {
  const body = kept.failure ? h("p", { class: "empty" }, kept.failure) : !kept.report ? h("p", { class: "empty" }, "Asking the node …")
    : kept.report.windows.some(({ sessions }) => sessions) ? kept.report.windows.map(one) : h("p", { class: "empty" }, "No complete session so far.");
  return [h("div", { class: "cardhead" }, h("h1", null, "Windows"),
    h("nav", { class: "spans", "aria-label": "Length of the window" }, SPANS.map((choice) => h("a", { href: `#/window/${choice}`, "aria-current": choice === span ? "page" : null },
      /h$/.test(choice) ? choice : `${choice} sessions`)))), body];
}
