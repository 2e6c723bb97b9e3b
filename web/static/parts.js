// Parts that several views share.
import { h } from "./dom.js";
import { interval } from "./charts.js";
import { term as explained } from "./explain.js";
import { heading } from "./list.js";
import { NONE, bounds, lasting, ms, named, percent } from "./format.js";

/** SIGNS are those of verdicts, worst first. */
export const SIGNS = { inconsistent: "≠", unavailable: "×", behind: "↓", slow: "s", unknown: "?", not_asked_yet: "…", healthy: "✓" };

/** label is a verdict in words. */
export const label = (name) => name.replaceAll("_", " ");

/** verdict is a verdict with its sign. */
export const verdict = (name, count) => h("span", { class: `verdict ${name}` },
  h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[name] ?? "?"), count === undefined ? null : String(count), h("span", { class: "word" }, `${count === undefined ? "" : " "}${label(name)}`));

/** tally counts verdicts, worst first. */
export function tally(verdicts) {
  return Object.keys(SIGNS).filter((name) => verdicts[name]).map((name) => verdict(name, verdicts[name]));
}

export const countVerdicts = (servicers) => servicers.reduce((all, { verdict: name }) => ({ ...all, [name]: (all[name] ?? 0) + 1 }), {});

// head is the head of a column: one to sort by, one that explains itself, or plain.
const head = ({ name, sort, term }) => (sort ? heading(sort, name, term) : term ? explained(term, name) : name);

/** table returns a table that narrow screens show as cards. Columns have a name, and maybe a term and an order; rows a key and cells. */
export function table(caption, columns, rows, looks = "") {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, h("table", { role: "table", class: looks },
    h("caption", { class: "unseen" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map((column) =>
      h("th", { role: "columnheader", scope: "col", class: column.number ? "number" : null }, head(column), column.extra)))),
    h("tbody", { role: "rowgroup" }, rows.map(({ key, cells, looks: of }) => h("tr", { role: "row", "data-key": key, class: of },
      cells.map((cell, i) => h(i === 0 ? "th" : "td", {
        role: i === 0 ? "rowheader" : "cell", scope: i === 0 ? "row" : null, "data-name": columns[i].name, class: columns[i].number ? "number" : null }, cell)))))));
}

/** share shows a share, as a drawing and as text. */
export const share = (of, what, note) => h("div", { class: "share" }, interval(of, what),
  h("span", { class: "figure" }, percent(of.value), of.value === null ? null : h("span", { class: "quiet" }, ` ${bounds(of)}`)),
  note ? h("span", { class: "quiet note" }, note) : null);

/** answered counts the answers of a servicer, and how often it was throttled. */
export const answered = (of) => `${of.samples - of.null_samples} of ${of.samples}` + (of.throttled ? `, ${of.throttled} throttled` : "");

export const quantiles = (rtt) => (rtt.p50 === null ? h("span", { class: "quiet" }, "no answer")
  : h("span", { class: "figure" }, `p50 ${ms(rtt.p50)}`, h("span", { class: "quiet" }, ` · p90 ${ms(rtt.p90)} ms · ${rtt.samples} ${rtt.connections}`)));

/** freshness shows by how many blocks a servicer's node was behind at most. */
export const freshness = (of) => (!of?.claims ? h("span", { class: "quiet" }, NONE)
  : h("div", { class: "share" }, h("span", { class: "figure" }, of.lag_blocks_max,
    of.lag_ms_max ? h("span", { class: "quiet" }, ` ${lasting(of.lag_ms_max / 1000)}`) : null),
    h("span", { class: "quiet note" }, `${of.behind} of ${of.claims} behind`)));

/** who shows a servicer's address, and the URL that it chose itself. */
export const who = (servicer, link) => h("div", { class: "who" },
  link ? h("a", { href: link, class: "mono", title: servicer.servicer }, named(servicer.servicer)) : h("span", { class: "mono", title: servicer.servicer }, named(servicer.servicer)),
  h("span", { class: "quiet url", title: servicer.service_url }, servicer.service_url || NONE));

export const fact = (name, ...value) => h("div", { class: "fact" }, h("dt", null, name), h("dd", null, value));

export const reason = (of) => h("span", { class: "reason" }, of.reason);

/** saving has the buttons that save what is shown. */
export const saving = (name, can) => h("span", { class: "saving" }, [["csv", "CSV"], ["json", "JSON"]].map(([as, words]) =>
  h("button", { type: "button", class: "quiet", "data-save": name, "data-as": as, disabled: !can, "aria-label": `Save as ${words}` }, words)));
