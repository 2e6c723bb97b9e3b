// Vantage points: how they are, and what each of them saw of a servicer. A node is one itself and has none of this.
import { times } from "./charts.js";
import { h } from "./dom.js";
import { term } from "./explain.js";
import { NONE, lasting, ms, named, percent } from "./format.js";
import { answered, freshness, quantiles, reason, share, table, verdict } from "./parts.js";
import { state } from "./state.js";

// STATES are the signs of states, and whose looks they have.
const STATES = { OK: ["✓", "healthy"], PATH: ["⇢", "slow"], OUT: ["×", "unavailable"], SKEWED: ["◷", "slow"], SILENT: ["…", "unavailable"], CONTRADICTED: ["≠", "inconsistent"] };

/** standing is a vantage point's state with its sign. */
export function standing(name) {
  const [sign, looks] = STATES[name] ?? ["?", "unknown"];
  return h("span", { class: `verdict ${looks}` }, h("span", { class: "sign", "aria-hidden": "true" }, sign), h("span", { class: "word" }, ` ${name.toLowerCase()}`));
}

const placesOf = (servicer) => servicer.vantages ?? [];

/** rttsOf returns the times of servicers and of their places, for a scale that has room for all. */
export const rttsOf = (servicers) => servicers.flatMap((servicer) => [servicer, ...placesOf(servicer)]).flatMap(({ rtt_ms: rtt }) => [rtt.p10, rtt.p99]).filter((time) => time !== null);

// The servicers whose places are unfolded.
const opened = new Set();

const keyOf = (of, servicer) => `places ${of.relay_chain} ${of.geo_zone} ${servicer.servicer}`;

/** startUnfoldingPlaces notes which servicers' places are unfolded, and calls changed. */
export function startUnfoldingPlaces(changed) {
  document.addEventListener("click", (event) => {
    const { places: name } = event.target.closest?.("[data-places]")?.dataset ?? {};
    if (!name) return;
    if (!opened.delete(name)) opened.add(name);
    changed();
  });
}

/** unfold is the button that shows a servicer's places; null where there is one vantage point. */
export function unfold(of, servicer) {
  if (!placesOf(servicer).length) return null;
  const name = keyOf(of, servicer), open = opened.has(name);
  return h("button", { type: "button", class: "quiet small", "data-places": name, "aria-expanded": open ? "true" : "false" }, `${placesOf(servicer).length} places `, h("span", { "aria-hidden": "true" }, open ? "▾" : "▸"));
}

/** rtt shows a servicer's times: drawn, or by place where several have any. */
export function rtt(scale, servicer, sla) {
  const timed = placesOf(servicer).filter(({ rtt_ms: of }) => of.p50 !== null);
  if (timed.length < 2) return h("div", { class: "rtt" }, times(scale, servicer.rtt_ms, [], sla), quantiles(servicer.rtt_ms));
  return h("div", { class: "rtt" }, h("span", { class: "figure" }, "p50 by place"),
    h("span", { class: "quiet small wrap" }, timed.map(({ place, rtt_ms: of }) => `${place} ${ms(of.p50)}`).join(" · "), " ms"));
}

/** placeRows are the rows of a servicer's places, if they are unfolded, below its own: their times are drawn on one scale. cells makes the cells that follow those of lag. */
export function placeRows(of, servicer, scale, sla, cells) {
  if (!opened.has(keyOf(of, servicer))) return [];
  return placesOf(servicer).map((one) => ({ key: `${servicer.servicer} ${one.place}`, looks: "atplace", cells: [
    h("div", { class: "who" }, h("span", { class: "placename" }, one.place), standing(one.state)),
    h("div", { class: "judged" }, verdict(one.verdict), reason(one), one.path_nulls ? h("span", { class: "small" }, `${one.path_nulls} `, term("path", "null samples of its own path")) : null),
    NONE, share(one.availability, `Available from ${one.place}`, answered(one)),
    h("div", { class: "rtt" }, times(scale, one.rtt_ms, [], sla), quantiles(one.rtt_ms)),
    share(one.consistency, `Consistent from ${one.place}`, `${one.consistency.agree} of ${one.consistency.agree + one.consistency.disagree}`),
    freshness(one.freshness), ...cells(one)] }));
}

/** placeTable shows the places of one servicer; null where there is one vantage point. */
export function placeTable(servicer, scale) {
  if (!placesOf(servicer).length) return null;
  const columns = [{ name: "Place" }, { name: "Verdict", term: "verdict" }, { name: "Availability", term: "availability" }, { name: "Round-trip time", term: "rtt" }, { name: "Null samples", number: true, term: "null" }, { name: "Path", number: true, term: "path" }];
  return table(`${named(servicer.servicer)} from each place`, columns, placesOf(servicer).map((one) => ({ key: one.place, cells: [
    h("div", { class: "who" }, h("span", { class: "placename" }, one.place), standing(one.state)), h("div", { class: "judged" }, verdict(one.verdict), reason(one)),
    share(one.availability, `Available from ${one.place}`, answered(one)), h("div", { class: "rtt" }, times(scale, one.rtt_ms, [], null), quantiles(one.rtt_ms)), one.null_samples, one.path_nulls] })), "places");
}

/** vantageCard shows the vantage points; null on a node. */
export function vantageCard() {
  const all = state.status?.vantages ?? [];
  if (!all.length) return null;
  const columns = [{ name: "Vantage point" }, { name: "State" }, { name: "Heard" }, { name: "Clock, ms", number: true }, { name: "Samples", number: true }, { name: "Null samples", number: true, term: "null" }, { name: "Path", number: true, term: "path" }];
  return h("section", { class: "card", "data-key": "vantages", "aria-label": "Vantage points" }, h("div", { class: "cardhead" }, h("h2", null, "Vantage points"), h("span", { class: "quiet" }, "by their newest checks")),
    table("How vantage points are", columns, all.map((one) => ({ key: one.place, cells: [
      h("div", { class: "who" }, h("span", { class: "placename" }, one.place), h("span", { class: "quiet mono small", title: one.fisherman }, named(one.fisherman))),
      h("div", { class: "judged" }, standing(one.state), h("span", { class: "reason" }, one.why)), one.heard ? `${lasting((Date.now() - Date.parse(one.heard)) / 1000)} ago` : NONE,
      one.skew_ms === null ? NONE : ms(Math.abs(one.skew_ms)) + (one.skew_ms < 0 ? " behind" : " ahead"), one.samples, one.null_samples,
      one.path_nulls ? h("span", { title: percent(one.path_nulls / (one.samples + one.path_nulls)) }, one.path_nulls) : 0] })), "vantages"));
}
