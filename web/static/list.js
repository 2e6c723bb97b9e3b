// Long lists: searched, filtered and sorted by what the address says, and shown a page at a time.
import { choice } from "./address.js";
import { h } from "./dom.js";
import { about } from "./explain.js";
import { SIGNS, label } from "./parts.js";

/** The most rows that are drawn at once. */
export const ROWS = 50;

const WORST_FIRST = "worst";

/** SORTS are the orders of a list of servicers: name, what to sort by (null goes last), and whether the largest is first. */
export const SORTS = {
  [WORST_FIRST]: ["worst first", null],
  name: ["name", (of) => of.servicer],
  rank: ["rank", (of) => of.rank],
  availability: ["availability", (of) => of.availability.value],
  p50: ["p50", (of) => of.rtt_ms.p50, true],
  p90: ["p90", (of) => of.rtt_ms.p90, true],
  consistency: ["consistency", (of) => of.consistency.value],
  lag: ["lag", (of) => of.freshness?.lag_blocks_max ?? null, true],
  asked: ["newest check", (of) => of.asked_at ?? null, true],
};

const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b) : a - b);

/** sorted orders servicers as the address says; what is not known goes last in either direction. */
export function sorted(servicers) {
  const [, value, largestFirst] = SORTS[choice("sort", WORST_FIRST)] ?? SORTS[WORST_FIRST];
  const turned = choice("turned") === "1";
  if (!value) return turned ? [...servicers].reverse() : servicers;
  const sign = Boolean(largestFirst) === turned ? 1 : -1;
  return [...servicers].sort((a, b) => {
    const x = value(a), y = value(b);
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * compare(x, y);
  });
}

/** matching keeps the servicers that the address searches for. */
export function matching(servicers) {
  const searched = choice("search").trim().toLowerCase(), verdict = choice("verdict");
  return servicers.filter((of) => (!verdict || of.verdict === verdict)
    && (!searched || [of.servicer, of.service_url, of.reason].some((text) => text?.toLowerCase().includes(searched))));
}

/** paged returns the rows of the page that the address names, and the links to the others. Name tells several lists apart. */
export function paged(rows, name = "") {
  const key = `page${name}`, pages = Math.max(1, Math.ceil(rows.length / ROWS));
  const page = Math.min(Math.max(1, Number.parseInt(choice(key, "1"), 10) || 1), pages), first = (page - 1) * ROWS;
  const go = (to, words, can) => h("button", { type: "button", class: "quiet", "data-choose": key, "data-value": to === 1 ? "" : String(to), disabled: !can }, words);
  return { rows: rows.slice(first, first + ROWS), more: pages === 1 ? null : h("div", { class: "pages" },
    go(page - 1, "← before", page > 1), h("span", null, `${first + 1} to ${Math.min(first + ROWS, rows.length)} of ${rows.length}`), go(page + 1, "next →", page < pages)) };
}

/** field is a labelled control whose value the address keeps. */
const field = (name, words, control) => h("label", { class: "field" }, h("span", null, words), control(name));

const select = (chosen, options) => (name) => h("select", { "data-field": name, "data-value": chosen }, options.map(([value, words]) =>
  h("option", { value, selected: value === chosen }, words)));

/** controls searches, filters and sorts. */
export const controls = (verdicts, sortable = Object.keys(SORTS)) => h("form", { class: "controls", role: "search", "data-key": "controls", "aria-label": "Search, filter and sort" },
  field("search", "Search", (name) => h("input", { type: "search", "data-field": name, "data-value": choice("search"), value: choice("search"), autocomplete: "off", spellcheck: "false" })),
  field("verdict", "Verdict", select(choice("verdict"), [["", "all"], ...Object.keys(SIGNS).filter((name) => verdicts.includes(name) || name === choice("verdict")).map((name) => [name, label(name)])])),
  field("sort", "Sort by", select(choice("sort"), sortable.map((name) => [name === WORST_FIRST ? "" : name, SORTS[name][0]]))),
  h("button", { type: "button", "data-choose": "turned", "data-value": choice("turned") ? "" : "1", "aria-pressed": choice("turned") ? "true" : "false" }, "reverse"));

/** heading is the head of a column that can be sorted by. */
export function heading(sort, words, term) {
  const chosen = choice("sort", WORST_FIRST) === sort, turned = choice("turned") === "1";
  return h("button", { type: "button", class: "heading", "data-choose": "sort", "data-value": sort === WORST_FIRST ? "" : sort, "data-again": "turned", ...about(term) },
    words, h("span", { "aria-hidden": "true" }, chosen ? turned ? " ▲" : " ▼" : ""));
}

/** startChoosing takes what controls are set to into the address, and calls changed. */
export function startChoosing(choose, changed) {
  const take = (changes) => {
    choose({ ...changes, ...("page" in changes ? {} : { page: "" }) });
    changed();
  };
  document.addEventListener("input", (event) => event.target.dataset?.field && take({ [event.target.dataset.field]: event.target.value }));
  document.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("click", (event) => {
    const { choose: name, value, again } = event.target.closest?.("[data-choose]")?.dataset ?? {};
    if (!name) return;
    if (again && choice(name) === value) take({ [again]: choice(again) ? "" : "1" });
    else if (name.startsWith("page")) take({ page: choice("page"), [name]: value });
    else take({ [name]: value, ...(again ? { [again]: "" } : {}) });
  });
}

/** settle makes the controls show what the address says, unless somebody is typing there. */
export function settle(root) {
  for (const control of root.querySelectorAll("[data-field]")) {
    if (control !== document.activeElement && control.value !== control.dataset.value) control.value = control.dataset.value;
  }
}
