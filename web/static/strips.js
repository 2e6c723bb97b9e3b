// All servicers over time: a row for each, a cell for each step.
import { choice, link } from "./address.js";
import { whenShort, when, zone } from "./axis.js";
import { h } from "./dom.js";
import { offer, pointRows } from "./download.js";
import { glossary } from "./explain.js";
import { named, percent } from "./format.js";
import { controls, matching, paged, sorted } from "./list.js";
import { range, ranges } from "./member.js";
import { saving, verdict } from "./parts.js";
import { RANGES, past } from "./past.js";
import { state } from "./state.js";
import { words } from "./words.js";

// Up to so many points are asked for at once; more servicers are asked for one by one, as far as they are shown.
const MOST_POINTS = 3000;

const share = (of) => of.value;

// What a strip shows: its name, the value of a point (1 is best, null is not known), and the words for it.
const MEASURES = {
  availability: ["availability", (point) => share(point.availability), (point) => `${point.samples - point.null_samples} of ${point.samples} answered`],
  sla: ["within the SLA", (point) => (point.samples > point.null_samples ? 1 - point.over_sla / (point.samples - point.null_samples) : null), (point) => `${point.over_sla} of ${point.samples - point.null_samples} answers over the SLA`],
  consistency: ["consistency", (point) => share(point.consistency), (point) => `${point.consistency.disagree} of ${point.consistency.agree + point.consistency.disagree} answers disagreed`],
  freshness: ["level with the others", (point) => (point.freshness?.claims ? 1 - point.freshness.behind / point.freshness.claims : null), (point) => `${point.freshness.behind} of ${point.freshness.claims} heads behind`],
};

// LEVELS are the looks of a value, from the best: from which value on, class, words, and a sample.
const LEVELS = [[1, "full", "100 %", "✓"], [0.99, "good", "from 99 %", "99"], [0.9, "some", "from 90 %", "95"], [0.5, "poor", "from 50 %", "70"], [-1, "bad", "less", "20"]];

const level = (value) => LEVELS.find(([from]) => value >= from);

const measure = () => (choice("measure") in MEASURES ? choice("measure") : "availability");

// cell shows one step of one servicer: the number is the sign, the colour repeats it.
function cell(point, from, to) {
  const [, value, said] = MEASURES[measure()], known = point ? value(point) : null;
  const span = `${when(from)} to ${when(to)}`;
  if (!point) return h("td", { class: "none", title: `${span}: no check` }, h("span", { class: "unseen" }, "no check"));
  if (known === null) return h("td", { class: "unknown", title: `${span}: nothing to say` }, "·");
  return h("td", { class: level(known)[1], "data-from": point.from, "data-value": known, title: `${span}: ${percent(known)}, ${said(point)}` }, known === 1 ? "✓" : Math.floor(known * 100 + 1e-9));
}

// grid is the strip of each servicer.
function grid(name, rows, from, to, seconds) {
  const steps = Array.from({ length: Math.max(0, Math.round((to - from) / seconds / 1000)) }, (_, i) => from + i * seconds * 1000), every = Math.ceil(steps.length / 8);
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${name} over time` }, h("table", { class: "strips", "data-step": seconds }, h("caption", { class: "unseen" }, `${name} over time`),
    h("thead", null, h("tr", null, h("th", { scope: "col" }, words().Servicer), steps.map((at, i) => h("th", { scope: "col", class: i % every ? "between" : null }, h("span", { class: i % every ? "unseen" : null }, whenShort(at, seconds)))))),
    h("tbody", null, rows.map(({ of, points, vantage, failure }) => {
      const byStart = new Map(points.map((point) => [Date.parse(point.from), point]));
      return h("tr", { "data-key": vantage ? `${of.servicer} ${vantage}` : of.servicer }, h("th", { scope: "row" }, h("a", { href: link(["servicer", of.servicer], { range: range() }), class: "mono", title: of.servicer }, named(of.servicer)), vantage ? h("span", { class: "small" }, ` ${vantage}`) : null,
        of.verdict ? h("span", { class: "small" }, " ", verdict(of.verdict)) : null),
        failure ? h("td", { colspan: steps.length, class: "quiet" }, failure) : steps.map((at) => cell(byStart.get(at), at, at + seconds * 1000)));
    }))));
}

// The strips that were scrolled to their newest steps.
const scrolled = new WeakSet();

/** showNewest scrolls strips that are wider than the page to their newest steps, once. */
export function showNewest(root) {
  for (const strip of root.querySelectorAll(".scroll:has(> .strips)")) {
    if (!scrolled.has(strip)) strip.scrollLeft = strip.scrollWidth;
    scrolled.add(strip);
  }
}

const key = (of) => JSON.stringify([of.relay_chain, of.geo_zone]);

// groups are the places that servicers are asked at, those of now and those of the history.
function groups(history) {
  const all = new Map((state.rolling ?? []).map((of) => [key(of), { ...of, servicers: [...of.servicers] }]));
  for (const series of history?.series ?? []) {
    const of = all.get(key(series)) ?? { relay_chain: series.relay_chain, geo_zone: series.geo_zone, servicers: [] };
    all.set(key(series), of);
    if (!of.servicers.some(({ servicer }) => servicer === series.servicer)) of.servicers.push({ ...series.total, servicer: series.servicer, service_url: series.service_url, rank: null });
  }
  return [...all.values()];
}

/** strips is the page of all servicers over time. */
export function strips(draw) {
  if (state.rolling === null) return h("p", { class: "empty" }, "Asking the node …"); // how many there are says how they are asked for
  const { seconds, strip } = RANGES[range()];
  const known = (state.rolling ?? []).reduce((all, { servicers }) => all + servicers.length, 0);
  const atOnce = known <= MOST_POINTS / 60, whole = atOnce ? past(range(), strip, {}, draw) : null;
  const places = groups(whole?.history), shown = [];
  const cards = places.map((of, i) => {
    const { rows, more } = paged(sorted(matching(of.servicers)), String(i || ""));
    const answers = rows.flatMap((one) => {
      const { history, failure } = whole ?? past(range(), strip, { servicer: one.servicer, relay_chain: of.relay_chain, geo_zone: of.geo_zone || undefined }, draw);
      const found = history?.series.filter((some) => some.servicer === one.servicer && key(some) === key(of)) ?? [];
      shown.push(...found);
      return (found.length ? found : [null]).map((series) => ({ of: one, points: series?.points ?? [], vantage: series?.vantage, failure, history }));
    });
    const first = answers.find(({ history }) => history)?.history, step = first?.step_seconds ?? 3600;
    const to = first ? Date.parse(first.to) : Date.now(), from = first ? Date.parse(first.from) : to - seconds * 1000;
    const name = of.geo_zone ? `Relay chain ${of.relay_chain}, zone ${of.geo_zone}` : `Group ${of.relay_chain}`;
    return h("section", { class: "card", "data-key": key(of), "aria-label": name }, h("div", { class: "cardhead" }, h("h2", null, name), h("span", { class: "quiet" }, `${of.servicers.length} ${words().servicer}${of.servicers.length === 1 ? "" : "s"}`)),
      !first ? h("p", { class: "empty" }, answers.find(({ failure }) => failure)?.failure ?? (rows.length ? "Asking the node …" : "Nobody matches.")) : grid(name, answers, from, to, step), more);
  });
  offer(`history-${range()}`, () => ({ rows: pointRows(shown), value: { series: shown } }));
  return [h("div", { class: "cardhead" }, h("h1", null, "Over time"), ranges(), h("div", { class: "spans", role: "group", "aria-label": "What the strips show" }, Object.entries(MEASURES).map(([name, [said]]) =>
    h("button", { type: "button", "data-choose": "measure", "data-value": name, "aria-pressed": name === measure() ? "true" : "false" }, said))), saving(`history-${range()}`, shown.length > 0)),
  controls(places.flatMap(({ servicers }) => servicers.map(({ verdict: name }) => name))),
  whole?.failure ? h("p", { class: "empty" }, whole.failure) : cards.length ? cards : h("p", { class: "empty" }, "Nothing is kept so far."),
  h("ul", { class: "legend levels", "aria-label": "Cells" }, LEVELS.map(([, looks, said, sample]) => h("li", null, h("span", { class: `level ${looks}`, "aria-hidden": "true" }, sample), said)),
    h("li", null, h("span", { class: "level none", "aria-hidden": "true" }), "no check")),
  h("p", { class: "quiet small" }, `A number is the share in percent, rounded down. Times are local (${zone}).`), glossary()];
}
