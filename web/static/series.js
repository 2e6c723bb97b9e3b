// Charts over time. A step without a value is a gap, never a line through it.
import { timeTicks, numberTicks, when } from "./axis.js";
import { s } from "./dom.js";
import { plural } from "./format.js";

const HIGH = 150, TOP = 8, BOTTOM = 20, LEFT = 46, RIGHT = 10;

// runs splits values into stretches without a gap.
function runs(values) {
  const all = [];
  for (const value of values) {
    const last = all.at(-1);
    if (last && last.at(-1).to === value.from) last.push(value);
    else all.push([value]);
  }
  return all;
}

/** gaps returns the stretches of time of which there is no value, between two moments. */
export function gaps(values, from, to) {
  const all = [];
  let at = from;
  for (const value of values) {
    if (value.from > at) all.push({ from: at, to: value.from });
    at = Math.max(at, value.to);
  }
  if (to > at) all.push({ from: at, to });
  return all;
}

const path = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/**
 * chart draws values over time: of = { name, what, from, to, values, least, most, format, band, limit }. A value has from and to
 * in milliseconds, value, and, for the band between them, low and high. limit is { value, name }: a line across, such as the SLA.
 */
export function chart(of, width) {
  const { from, to, values } = of, wide = width - LEFT - RIGHT, tall = HIGH - TOP - BOTTOM;
  const seen = values.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]);
  const ticks = numberTicks(Math.min(of.least ?? Infinity, ...seen), Math.max(of.most ?? -Infinity, of.limit?.value ?? -Infinity, ...seen), 3);
  const least = ticks[0], most = of.cap ?? ticks.at(-1);
  const x = (at) => LEFT + (Math.min(Math.max(at, from), to) - from) / (to - from) * wide;
  const y = (value) => TOP + (1 - (value - least) / (most - least || 1)) * tall;
  const middle = ({ from: a, to: b }) => x((a + b) / 2);
  const missing = gaps(values, from, to);
  return s("svg", { class: "chart series", "data-chart": of.name, viewBox: `0 0 ${width} ${HIGH}`, width, height: HIGH, role: "img", "aria-label": described(of, missing) },
    missing.map((gap) => s("rect", { class: "gap", "data-from": new Date(gap.from).toISOString(), "data-to": new Date(gap.to).toISOString(), x: x(gap.from), y: TOP, width: Math.max(1, x(gap.to) - x(gap.from)), height: tall },
      s("title", null, `${of.none} from ${when(gap.from)} to ${when(gap.to)}`))),
    missing.filter((gap) => x(gap.to) - x(gap.from) > 60).map((gap) => s("text", { class: "none", x: (x(gap.from) + x(gap.to)) / 2, y: TOP + tall / 2 + 4, "text-anchor": "middle" }, of.none)),
    ticks.filter((tick) => tick <= most).map((tick) => [s("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick) }),
      s("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, of.format(tick))]),
    timeTicks(from, to, Math.max(2, Math.floor(wide / 62))).map(({ at, label }) => [s("line", { class: "grid", x1: x(at), x2: x(at), y1: TOP + tall, y2: TOP + tall + 4 }),
      s("text", { x: x(at), y: HIGH - 4, "text-anchor": x(at) > width - 30 ? "end" : "middle" }, label)]),
    runs(values.filter(({ low }) => low !== undefined && low !== null)).map((run) => (run.length < 2
      ? s("line", { class: "reach", x1: middle(run[0]), x2: middle(run[0]), y1: y(run[0].low), y2: y(run[0].high) })
      : s("path", { class: "band", d: `${path([...run.map((one) => [middle(one), y(one.high)]), ...run.toReversed().map((one) => [middle(one), y(one.low)])])}Z` }))),
    of.limit && of.limit.value <= most ? [s("line", { class: "sla", x1: LEFT, x2: width - RIGHT, y1: y(of.limit.value), y2: y(of.limit.value) }),
      s("text", { class: "sla", x: width - RIGHT, y: y(of.limit.value) + (y(of.limit.value) < TOP + 14 ? 13 : -4), "text-anchor": "end" }, of.limit.name)] : null,
    runs(values).map((run) => s("path", { class: "line", d: path(run.map((one) => [middle(one), y(one.value)])) })),
    values.map((one) => s("circle", { class: "spot", "data-from": one.key, "data-value": one.value, "data-low": one.low ?? null, "data-high": one.high ?? null, cx: middle(one), cy: y(one.value), r: values.length > 150 ? 1.2 : 2 },
      s("title", null, `${when(one.from)}: ${one.words}`))));
}

// described says in words what a chart shows.
function described(of, missing) {
  if (!of.values.length) return `${of.what}: ${of.none} in all this time`;
  const least = of.values.reduce((a, b) => (b.value < a.value ? b : a)), most = of.values.reduce((a, b) => (b.value > a.value ? b : a)), newest = of.values.at(-1);
  return `${of.what}: newest ${of.format(newest.value)}, lowest ${of.format(least.value)} at ${when(least.from)}, highest ${of.format(most.value)} at ${when(most.from)}`
    + (of.limit ? `, ${of.limit.name}` : "") + (missing.length ? `; ${plural(missing.length, "gap")}` : "");
}
