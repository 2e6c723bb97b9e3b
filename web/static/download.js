// Saves what is shown as a file: JSON as the API has it, and CSV.

const { createObjectURL: keep, revokeObjectURL: drop } = URL;

// How long the browser has to take a file, in milliseconds.
const KEPT = 60000;

const FORMULA = /^[=+\-@\t\r]/;

// cell quotes a value. A text that a spreadsheet would run as a formula is made text.
function cell(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** csv makes rows of objects that have the same keys. */
export function csv(rows) {
  const columns = Object.keys(rows[0] ?? {});
  return [columns, ...rows.map((row) => columns.map((name) => row[name]))].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

const shares = (name, of) => ({ [name]: of.value, [`${name}_low`]: of.low, [`${name}_high`]: of.high });

// measured are the numbers that servicers and points have in common.
const measured = (of) => ({ samples: of.samples, null_samples: of.null_samples, void: of.void, throttled: of.throttled, ...shares("availability", of.availability),
  p10_ms: of.rtt_ms.p10, p50_ms: of.rtt_ms.p50, p90_ms: of.rtt_ms.p90, p99_ms: of.rtt_ms.p99, over_sla: of.over_sla, agree: of.consistency.agree, disagree: of.consistency.disagree,
  undecidable: of.consistency.undecidable, ...shares("consistency", of.consistency), head_claims: of.freshness?.claims, lagging: of.freshness?.behind, lag_blocks_max: of.freshness?.lag_blocks_max });

// places says what each of several vantage points saw; nothing where there is one.
const places = (of) => (of.vantages?.length ? { places: of.vantages.map((one) => `${one.place}=${one.verdict}:${one.samples - one.null_samples}/${one.samples}:path ${one.path_nulls}`).join(";") } : {});

/** servicerRows are rows of servicers with their verdicts. */
export const servicerRows = (of, servicers) => servicers.map((one) => ({ relay_chain: of.relay_chain, geo_zone: of.geo_zone, servicer: one.servicer, service_url: one.service_url,
  verdict: one.verdict, reason: one.reason, rank: one.rank, checks: one.checks, asked_at: one.asked_at, running: one.running, ...measured(one), ...places(one) }));

/** pointRows are rows of points of series. */
export const pointRows = (series) => series.flatMap((of) => of.points.map((point) => ({ relay_chain: of.relay_chain, geo_zone: of.geo_zone, servicer: of.servicer, ...(of.vantage ? { vantage: of.vantage } : {}),
  from: point.from, to: point.to, checks: point.checks, latency_sla_ms: point.latency_sla_ms, ...measured(point) })));

/** save gives the browser a file to keep. */
export function save(name, type, text) {
  const link = document.createElement("a");
  link.href = keep(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => drop(link.href), KEPT);
}

// What can be saved of what is drawn, by name: a function that returns rows for CSV and the value for JSON.
const offers = new Map();

/** offer makes what is drawn available to the buttons that name it. */
export const offer = (name, make) => offers.set(name, make);

/** startSaving saves what a button names when it is pressed. */
export function startSaving() {
  document.addEventListener("click", (event) => {
    const { save: name, as } = event.target.closest?.("[data-save]")?.dataset ?? {};
    const make = offers.get(name);
    if (!make) return;
    const { rows, value } = make();
    if (as === "csv") save(`${name}.csv`, "text/csv;charset=utf-8", csv(rows));
    else save(`${name}.json`, "application/json", JSON.stringify(value, null, 2) + "\n");
  });
}
