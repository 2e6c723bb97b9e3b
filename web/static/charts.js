// Small drawings in tables. Each has a description in words.
import { s } from "./dom.js";
import { ms, percent, plural } from "./format.js";

/** interval draws a share and its 95 % interval on a line from 0 to 100 %. */
export function interval(of, what) {
  const width = 112, x = (share) => 4 + share * (width - 8);
  const said = of.value === null ? `${what}: never observed`
    : `${what} ${percent(of.value)}, 95 % interval ${percent(of.low)} to ${percent(of.high)}`;
  return s("svg", { class: "chart interval", viewBox: `0 0 ${width} 16`, role: "img", "aria-label": said },
    s("title", null, said),
    s("line", { class: "rail", x1: x(0), x2: x(1), y1: 8, y2: 8 }),
    [0, 0.5, 1].map((tick) => s("line", { class: "rail", x1: x(tick), x2: x(tick), y1: 5, y2: 11 })),
    of.value === null ? null : [
      s("rect", { class: "range", x: x(of.low), y: 5, width: Math.max(1, x(of.high) - x(of.low)), height: 6, rx: 1 }),
      s("circle", { class: "point", cx: x(of.value), cy: 8, r: 3.5 }),
    ]);
}

const STEPS = [1, 2, 5];

// steps returns 1, 2 and 5 times powers of ten, from just below the least value to just above the greatest.
function steps(least, most) {
  const all = [];
  for (let decade = 10 ** Math.floor(Math.log10(least)); decade < most * 10; decade *= 10) all.push(...STEPS.map((step) => step * decade));
  const low = all.findLastIndex((step) => step <= least * 0.95), high = all.findIndex((step) => step >= most * 1.05);
  return all.slice(Math.max(0, low), high + 1);
}

/** timeScale returns a logarithmic scale that covers all times. */
export function timeScale(times) {
  const positive = times.filter((time) => time > 0);
  const all = steps(positive.length ? Math.min(...positive) : 1, positive.length ? Math.max(...positive) : 1000);
  const low = all[0], span = Math.log10(all.at(-1) / low);
  const decades = all.filter((step) => Math.abs(Math.log10(step) - Math.round(Math.log10(step))) < 1e-9);
  return { ticks: decades.length > 1 ? decades : all, at: (time) => Math.min(1, Math.max(0, Math.log10(Math.max(time, low) / low) / span)) };
}

const WIDTH = 224, PAD = 8;
const place = (scale, time) => PAD + scale.at(time) * (WIDTH - 2 * PAD);

/** timeAxis labels the scale of a column of times. */
export function timeAxis(scale, sla) {
  const label = (tick) => (tick >= 1000 ? `${tick / 1000} s` : `${+tick.toPrecision(3)} ms`);
  const free = (tick) => !sla || Math.abs(place(scale, tick) - place(scale, sla)) > 34;
  return s("svg", { class: "chart times axis", viewBox: `0 0 ${WIDTH} 14`, "aria-hidden": "true" },
    scale.ticks.filter(free).map((tick, i) => s("text", {
      x: place(scale, tick), y: 11, "text-anchor": i === 0 ? "start" : place(scale, tick) > WIDTH - 24 ? "end" : "middle" }, label(tick))),
    sla ? s("text", { class: "sla", x: place(scale, sla), y: 11, "text-anchor": "middle" }, `SLA ${+sla.toPrecision(3)}`) : null);
}

/** times draws round-trip times: a box from p25 to p75 with the median, a whisker from p10 to p99, and every sample. */
export function times(scale, rtt, samples, sla) {
  const x = (time) => place(scale, time);
  const said = rtt.p50 === null ? "Round-trip times: no answer"
    : `Round-trip times of ${plural(rtt.samples, `${rtt.connections} answer`)}: p10 ${ms(rtt.p10)}, p25 ${ms(rtt.p25)}, p50 ${ms(rtt.p50)}, `
      + `p75 ${ms(rtt.p75)}, p90 ${ms(rtt.p90)}, p99 ${ms(rtt.p99)} ms`;
  return s("svg", { class: "chart times", viewBox: `0 0 ${WIDTH} 30`, role: "img", "aria-label": said },
    s("title", null, said),
    s("line", { class: "rail", x1: PAD, x2: WIDTH - PAD, y1: 11, y2: 11 }),
    scale.ticks.map((tick) => s("line", { class: "rail", x1: x(tick), x2: x(tick), y1: 3, y2: 27 })),
    sla ? s("line", { class: "sla", x1: x(sla), x2: x(sla), y1: 1, y2: 29 }) : null,
    rtt.p50 === null ? null : [
      s("line", { class: "whisker", x1: x(rtt.p10), x2: x(rtt.p99), y1: 11, y2: 11 }),
      s("rect", { class: "box", x: x(rtt.p25) - 0.5, y: 5, width: Math.max(1, x(rtt.p75) - x(rtt.p25)) + 1, height: 12, rx: 2 }),
      s("line", { class: "median", x1: x(rtt.p50), x2: x(rtt.p50), y1: 3, y2: 19 }),
    ],
    samples.map(({ rtt_ms: time, reused, over_sla: over }) => s("circle", {
      class: over ? "dot over" : reused ? "dot" : "dot cold", cx: x(time), cy: 24, r: reused ? 2.1 : 2.4 })));
}

/** The appearance of a check in a strip: letter, class, and words. */
export const MARKS = {
  ok: ["", "ok", "answered, agreed"],
  slow: ["s", "slow", "answered, over the SLA"],
  level: ["h", "ok", "answered a question for the newest height or a block near it"],
  behind: ["↓", "behind", "further behind the others than allowed"],
  undecidable: ["?", "undecidable", "answered, no majority to compare with"],
  disagree: ["≠", "disagree", "disagreed with the majority"],
  null: ["×", "null", "no valid answer in time"],
  void: ["v", "void", "void: counts for nobody"],
  throttled: ["t", "throttled", "throttled: left out to keep to a rate limit, counts for nobody"],
  dropped: ["–", "dropped", "dropped: never asked"],
  absent: ["·", "absent", "not asked: no member then"],
  todo: ["", "todo", "still to come"],
};

/** lag describes the height that a sample claims; empty without one. */
export const lag = (sample) => (sample?.head === null || sample?.head === undefined ? ""
  : `head ${sample.head}${sample.lag ? `, ${plural(sample.lag, "block")} behind` : ""}`);

/** mark returns the result of one check for one servicer; maxLag is that of the session. */
export function mark(round, address, maxLag) {
  if (!round) return { name: "todo", why: "" };
  if (round.status === "DROPPED") return { name: "dropped", why: round.reason };
  const sample = round.samples.find((one) => one.servicer === address);
  if (!sample) return { name: "absent", why: "" };
  if (sample.outcome === "THROTTLED") return { name: "throttled", why: sample.detail };
  if (round.status === "VOID" || sample.outcome === "VOID") return { name: "void", why: round.reason || sample.detail };
  if (sample.outcome !== "OK") return { name: "null", why: [sample.outcome, sample.relay_error, sample.detail].filter(Boolean).join(", ") };
  const why = [`${ms(sample.rtt_ms)} ms`, lag(sample)].filter(Boolean).join(", ");
  if (sample.consistency === "DISAGREE") return { name: "disagree", why };
  if (maxLag > 0 && sample.lag > maxLag) return { name: "behind", why };
  if (sample.over_sla) return { name: "slow", why };
  if (round.kind === "HEAD" || round.kind === "TIP") return { name: "level", why };
  return { name: sample.consistency === "AGREE" ? "ok" : "undecidable", why };
}

const CELL = 13, GAP = 2, HIGH = 18, PER_LINE = 12;

function cell(name, x, y, title) {
  const [letter, looks] = MARKS[name];
  return s("g", { class: `cell ${looks}` }, title ? s("title", null, title) : null,
    s("rect", { x: x + 0.5, y: y + 0.5, width: CELL - 1, height: HIGH - 1, rx: 2 }),
    letter ? s("text", { x: x + CELL / 2, y: y + 13, "text-anchor": "middle" }, letter) : null);
}

/** strip draws a cell for each check, and describes in words how many there are of each kind, and which. */
export function strip(marks) {
  const kinds = new Map();
  for (const { index, name } of marks) kinds.set(name, [...(kinds.get(name) ?? []), index]);
  const which = (name, at) => (name === "ok" || name === "todo" || at.length > 12 ? "" : ` (${at.join(", ")})`);
  const said = "Checks: " + [...kinds].map(([name, at]) => `${at.length} ${MARKS[name][2]}${which(name, at)}`).join("; ");
  const lines = Math.max(1, Math.ceil(marks.length / PER_LINE)), long = Math.max(1, Math.min(marks.length, PER_LINE));
  const width = long * (CELL + GAP) - GAP, height = lines * (HIGH + GAP) - GAP;
  return s("svg", { class: "strip", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": said },
    marks.map(({ index, name, why }, i) => cell(name, (i % PER_LINE) * (CELL + GAP), Math.floor(i / PER_LINE) * (HIGH + GAP),
      `check ${index}: ${MARKS[name][2]}${why ? ` (${why})` : ""}`)));
}

/** swatch is one cell, for the legend. */
export const swatch = (name) => s("svg", { class: "strip", viewBox: `0 0 ${CELL} ${HIGH}`, width: CELL, height: HIGH, "aria-hidden": "true" }, cell(name, 0, 0));
