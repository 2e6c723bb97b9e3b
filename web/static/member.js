// One servicer over time, across its sessions.
import { NodeError, ask } from "./api.js";
import { choice, link } from "./address.js";
import { when, zone } from "./axis.js";
import { h } from "./dom.js";
import { offer, pointRows } from "./download.js";
import { term } from "./explain.js";
import { NONE, day, ms, named, percent, short } from "./format.js";
import { paged } from "./list.js";
import { answered, fact, freshness, quantiles, reason, saving, share, table, verdict } from "./parts.js";
import { RANGES, past } from "./past.js";
import { chart } from "./series.js";
import { timeScale } from "./charts.js";
import { state } from "./state.js";
import { placeTable, rttsOf } from "./vantage.js";
import { place, words } from "./words.js";

const WIDEST = 600, NARROWEST = 250, FRAME = 40, TWO_COLUMNS = 1100;

/** chartWidth is the width of a chart in the page as it is. */
export function chartWidth() {
  const room = document.getElementById("content").clientWidth;
  return Math.floor(Math.max(NARROWEST, Math.min(WIDEST, (room >= TWO_COLUMNS ? room / 2 : room) - FRAME - 24)));
}

/** range is the stretch of time that the address names. */
export const range = () => (choice("range") in RANGES ? choice("range") : "24h");

/** ranges chooses a stretch of time. */
export const ranges = () => h("div", { class: "spans", role: "group", "aria-label": "How far back" }, Object.entries(RANGES).map(([name, { words: said }]) =>
  h("button", { type: "button", "data-choose": "range", "data-value": name, "aria-pressed": name === range() ? "true" : "false" }, said)));

// values takes one measure out of points; what it is null for is a gap.
const values = (points, of) => points.map((point) => ({ from: Date.parse(point.from), to: Date.parse(point.to), key: point.from, ...of(point) }))
  .filter(({ value }) => value !== null && value !== undefined);

const hundred = (share) => percent(share);

// spot names where a series was measured, and from which vantage point if there are several.
const spot = (of) => (of.vantage ? `${place(of)} from ${of.vantage}` : place(of));

// charts are the four charts of a series.
function charts(history, series) {
  const { points } = series, time = { from: Date.parse(history.from), to: Date.parse(history.to) };
  const sla = points.at(-1)?.latency_sla_ms ?? null;
  const of = [
    { name: "availability", what: "Availability", term: "availability", none: "no check", most: 1, cap: 1, least: 0.9, format: hundred,
      note: "the band is the 95 % interval", values: values(points, ({ availability: a, samples, null_samples: nulls }) => ({ value: a.value, low: a.low, high: a.high, words: `${percent(a.value)}, ${samples - nulls} of ${samples}` })) },
    { name: "rtt", what: "Round-trip time", term: "rtt", none: "no answer", least: 0, format: (value) => `${+value.toPrecision(3)}`, unit: "ms",
      note: "the line is p50, the band reaches to p90", limit: sla ? { value: sla, name: `SLA ${+sla.toPrecision(3)} ms` } : null,
      values: values(points, ({ rtt_ms: rtt }) => ({ value: rtt.p50, low: rtt.p50, high: rtt.p90, words: `p50 ${ms(rtt.p50)} ms, p90 ${ms(rtt.p90)} ms, ${rtt.samples} ${rtt.connections}` })) },
    { name: "lag", what: "Lag", term: "lag", none: "no head", least: 0, most: 3, format: (value) => `${value}`, unit: "blocks", note: "the line is the median, the band reaches to the maximum",
      values: values(points, ({ freshness: f }) => ({ value: f?.lag_blocks_median ?? null, low: f?.lag_blocks_median, high: f?.lag_blocks_max, words: `median ${f?.lag_blocks_median}, at most ${f?.lag_blocks_max} blocks, ${f?.behind} of ${f?.claims} behind` })) },
    { name: "consistency", what: "Consistency", term: "consistency", none: "nothing compared", most: 1, cap: 1, least: 0.9, format: hundred, note: "the band is the 95 % interval",
      values: values(points, ({ consistency: c }) => ({ value: c.value, low: c.low, high: c.high, words: `${percent(c.value)}, ${c.agree} of ${c.agree + c.disagree}` })) },
  ];
  return h("div", { class: "charts", "data-step": history.step_seconds }, of.map((one) => h("figure", { "data-key": one.name }, h("figcaption", null, term(one.term, one.what),
    one.unit ? `, ${one.unit}` : null, one.name === "rtt" && one.limit ? [" against the ", term("sla", "SLA")] : null, h("span", { class: "quiet small" }, ` ${one.note}`)), chart({ ...one, ...time }, chartWidth()))));
}

// numbers is the table behind the charts.
function numbers(series) {
  const columns = [{ name: "From" }, { name: "Checks", number: true }, { name: "Answered" }, { name: "Availability", number: true }, { name: "p50 ms", number: true }, { name: "p90 ms", number: true },
    { name: "Over SLA", number: true }, { name: "Agreed" }, { name: "Lag, blocks", number: true }];
  const name = `numbers ${series.servicer} ${spot(series)}`;
  return h("details", { class: "numbers", "data-key": name, "data-opened": name, open: opened.has(name) }, h("summary", null, "The numbers as a table"),
    !opened.has(name) ? null : table(`${named(series.servicer)} over time`, columns, series.points.toReversed().map((point) => ({ key: point.from, cells: [
      when(point.from), point.checks, answered(point), percent(point.availability.value), ms(point.rtt_ms.p50), ms(point.rtt_ms.p90), point.over_sla,
      `${point.consistency.agree} of ${point.consistency.agree + point.consistency.disagree}`, point.freshness?.lag_blocks_max ?? NONE] })), "dense"));
}

// The tables that are unfolded; only those are drawn.
const opened = new Set();

/** startUnfolding notes which tables are unfolded, and calls changed. */
export function startUnfolding(changed) {
  document.addEventListener("toggle", (event) => {
    const name = event.target.dataset?.opened;
    if (!name || event.target.open === opened.has(name)) return;
    if (event.target.open) opened.add(name);
    else opened.delete(name);
    changed();
  }, true);
}

const FRESH = 10000, LISTED = 100;
const listed = { servicer: null, at: 0, sessions: null, failure: null };

/** readMember fetches a servicer's sessions, with its own rows only, if they are not fresh. */
export async function readMember(servicer, done) {
  if (listed.servicer === servicer && Date.now() - listed.at < FRESH) return;
  if (listed.servicer !== servicer) Object.assign(listed, { sessions: null, failure: null });
  Object.assign(listed, { servicer, at: Date.now() });
  try {
    const { sessions } = await ask("/v1/qos", { servicer, last: LISTED });
    if (listed.servicer === servicer) Object.assign(listed, { sessions: sessions.filter((of) => of.servicers.length).reverse(), failure: null });
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    if (listed.servicer === servicer) listed.failure = error.message;
  }
  done();
}

// sessions lists a servicer's sessions, one line each.
function sessions(servicer) {
  if (listed.servicer !== servicer || !listed.sessions) return h("p", { class: "empty" }, listed.failure ?? "Asking the node …");
  if (!listed.sessions.length) return h("p", { class: "empty" }, "The node holds no session of it any more.");
  const columns = [{ name: "Session" }, { name: "From" }, { name: "Where" }, { name: "Verdict" }, { name: "Why" }];
  const { rows, more } = paged(listed.sessions);
  return [table(`Sessions of ${named(servicer)}, the newest first`, columns, rows.map((of) => ({ key: of.id, cells: [
    h("a", { href: link(["session", of.id, servicer]), class: "mono" }, short(of.id)), begin(of), place(of), verdict(of.servicers[0].verdict), reason(of.servicers[0])] })), "past"), more];
}

/** begin formats when a session began: by time where that is known, otherwise by block. */
export const begin = (of) => (of.started ?? of.from ? when(of.started ?? of.from) : `block ${of.height}`);

// now shows a servicer's rolling verdict at one place.
function now(of, found) {
  return [h("div", { class: "facts" }, h("dl", null, fact(words(of).group, of.relay_chain), of.geo_zone ? fact("zone", of.geo_zone) : null,
    fact(term("rolling", "verdict now"), verdict(found.verdict), " ", reason(found)), fact(term("rank"), found.rank ?? NONE),
    fact("newest check", found.asked_at ? day(found.asked_at) : NONE), fact("checks", found.checks))),
  h("div", { class: "figures" }, h("div", null, h("h2", null, "Availability"), share(found.availability, "Available", answered(found))),
    h("div", null, h("h2", null, "Round-trip time"), quantiles(found.rtt_ms)), h("div", null, h("h2", null, "Consistency"), share(found.consistency, "Consistent")),
    h("div", null, h("h2", null, "Lag, blocks"), freshness(found.freshness))), placeTable(found, timeScale(rttsOf([found])))];
}

/** member is the page of one servicer, wherever it is asked. */
export function member(servicer, draw) {
  const { history, failure } = past(range(), RANGES[range()].step, { servicer }, draw);
  const rolling = (state.rolling ?? []).flatMap((of) => of.servicers.filter((one) => one.servicer === servicer).map((found) => ({ of, found })));
  const series = history?.series ?? [], url = rolling[0]?.found.service_url ?? series[0]?.service_url;
  offer(`${servicer}-${range()}`, () => ({ rows: pointRows(series), value: history }));
  return [h("p", { class: "back" }, h("a", { href: "#/" }, `← all ${words().servicer}s`)),
    h("section", { class: "card", "data-key": "now", "aria-label": "Now" },
      h("div", { class: "cardhead" }, h("h1", null, `${words().Servicer} `, h("span", { class: "mono", title: servicer }, named(servicer)))),
      h("p", { class: "quiet small wrap" }, servicer === named(servicer) ? null : h("span", { class: "mono" }, servicer, " "), url),
      rolling.length ? rolling.map(({ of, found }) => now(of, found)) : h("p", { class: "quiet" }, "It is in no open session, and was not asked of late.")),
    h("section", { class: "card", "data-key": "over-time", "aria-label": "Over time" },
      h("div", { class: "cardhead" }, h("h2", null, "Over time"), ranges(), saving(`${servicer}-${range()}`, series.length > 0)),
      failure ? h("p", { class: "empty" }, failure) : !history ? h("p", { class: "empty" }, "Asking the node …")
        : series.length ? series.map((of) => h("div", { "data-key": spot(of), class: "place" }, series.length > 1 ? h("h3", null, spot(of)) : null, charts(history, of), numbers(of)))
          : h("p", { class: "empty" }, "Nothing is kept of it from this time."),
      h("p", { class: "quiet small" }, `Times are local (${zone}).`, history?.oldest ? ` The oldest that is kept is of ${when(history.oldest)}.` : "", " Grey between dashed lines: no check, or nothing to draw.")),
    h("section", { class: "card", "data-key": "sessions", "aria-label": "Sessions" }, h("div", { class: "cardhead" }, h("h2", null, "Its sessions"), h("span", { class: "quiet" }, "the newest first")), sessions(servicer))];
}
