// One servicer in one session: every check, with its phases.
import { link } from "./address.js";
import { h, s } from "./dom.js";
import { term } from "./explain.js";
import { MARKS, lag, mark, strip, swatch, timeAxis, timeScale, times } from "./charts.js";
import { NONE, day, micros, moment, ms, named, short } from "./format.js";
import { fact, freshness, quantiles, reason, share, table, verdict } from "./parts.js";
import { answersOf, legend, marksOf, sessionCard, upokt } from "./overview.js";
import { roundsOf, state } from "./state.js";
import { measures, onChain, words } from "./words.js";

/** session is the page of one session. */
export function session(id) {
  const found = state.sessions.get(id);
  if (!found) return missing(`session ${short(id)}`);
  return [back(), sessionCard(found, "h1"), legend()];
}

const back = (to = "#/", name = "all sessions") => h("p", { class: "back" }, h("a", { href: to }, "← ", name));

const missing = (what) => [back(), h("h1", null, "Not there"), h("p", { class: "empty" }, state.listed || !measures()
  ? `The node holds no ${what}. It may have been pruned.` : "Asking the node …")];

// bar draws the time to the first byte and the rest up to the last one.
function bar(sample, longest, sla) {
  if (sample.rtt_ms === null) return null;
  const width = 160, x = (time) => Math.min(width, time / longest * width);
  const said = `first byte after ${ms(sample.ttfb_ms)} ms, last byte after ${ms(sample.rtt_ms)} ms`;
  return s("svg", { class: "chart bar", viewBox: `0 0 ${width} 12`, role: "img", "aria-label": said }, s("title", null, said),
    s("rect", { class: sample.over_sla ? "whole over" : "whole", x: 0, y: 2, width: Math.max(1, x(sample.rtt_ms)), height: 8, rx: 1 }),
    s("rect", { class: "first", x: 0, y: 2, width: x(sample.ttfb_ms ?? 0), height: 8, rx: 1 }),
    sla && sla <= longest ? s("line", { class: "sla", x1: x(sla), x2: x(sla), y1: 0, y2: 12 }) : null);
}

const phases = (sample) => (sample.reused ? "kept" : [["DNS", sample.dns_ms], ["connect", sample.connect_ms], ["TLS", sample.tls_ms]]
  .filter(([, time]) => time !== null).map(([name, time]) => `${name} ${ms(time)}`).join(", ") || "new");

// What the node behind a servicer answered, where that is not data.
const CLASSES = { MISSING: "its node says that there is nothing", AGREED_ERROR: "an error or nothing, as most answered", FAILURE: "an error of its node" };

function outcome(of, round, sample, name) {
  const blame = sample?.blame ? `, speaks against the ${({ SERVICER: words(of).servicer, BACKEND: words(of).behind, SELF: "fisherman" })[sample.blame] ?? "unknown"}` : "";
  const detail = [round.reason, sample?.relay_error, sample?.detail, CLASSES[sample?.answer], lag(sample)].filter(Boolean).join("; ");
  return h("div", { class: "outcome" }, swatch(name),
    h("span", null, h("strong", null, sample ? sample.outcome : round.status), h("span", { class: "quiet" }, blame),
      detail ? h("span", { class: "quiet detail" }, detail) : null));
}

function row(of, round, address, longest) {
  const sample = round.samples.find((one) => one.servicer === address), { name } = mark(round, address, of.max_lag);
  const evidence = sample?.evidence || sample?.consistency === "DISAGREE";
  const delay = sample && sample.user_rtt_ms !== null && sample.rtt_ms !== null ? sample.user_rtt_ms - sample.rtt_ms : null;
  return { key: String(round.index), looks: `row-${MARKS[name][1]}`, cells: [
    round.index, h("span", { title: day(sample?.sent ?? round.planned) }, moment(sample?.sent ?? round.released)),
    outcome(of, round, sample, name),
    h("span", { class: "proof" }, sample?.consistency?.toLowerCase() ?? NONE, evidence ? [" ", h("a", { href: `#/evidence/${of.id}/${round.index}` }, "evidence")] : null),
    sample ? bar(sample, longest, of.latency_sla_ms) : null, ms(sample?.rtt_ms), ms(sample?.ttfb_ms), delay === null ? NONE : ms(delay),
    sample ? phases(sample) : NONE, sample?.timing ? sample.timing.toLowerCase().replace("_", " ") : NONE, micros(round.skew_us),
    h("span", { class: "question" }, round.question || NONE)] };
}

const STANDINGS = { unidentified: "asked, although it did not say which chain it is of", other_chain: "not asked: it is of another chain than most",
  no_node: "asked, although what it answered is not what a node of a known chain answers", http2_only: "asked, although it speaks HTTP/2 only",
  unverifiable: "not asked: its account has no public key on the chain" };

// owned shows whose a supplier is, and what it has staked.
const owned = (of) => [
  of.owner ? fact("owner", h("span", { class: "mono wrap", title: of.owner }, of.owner)) : null,
  of.stake_upokt ? fact("stake", upokt(of.stake_upokt)) : null];

// introduced shows what a node said when it was asked who it is.
const introduced = (of) => [
  of.standing in STANDINGS ? fact("standing", STANDINGS[of.standing]) : null,
  of.chain_identity ? fact("chain", h("span", { class: "wrap" }, of.chain_identity)) : null,
  of.client_version ? fact("software", h("span", { class: "wrap" }, of.client_version)) : null];

/** servicer is the page of one servicer in one session. */
export function servicer(id, address) {
  const of = state.sessions.get(id), found = of?.servicers.find((one) => one.servicer === address);
  if (!found) return missing(`${words(of).servicer} ${named(address)} in session ${short(id)}`);
  const answers = answersOf(of, address), all = [...roundsOf(id).values()].sort((a, b) => b.index - a.index);
  const scale = timeScale(answers.map((sample) => sample.rtt_ms).concat(of.latency_sla_ms ?? []));
  const longest = Math.max(1, ...answers.map((sample) => sample.rtt_ms));
  const columns = [{ name: "Check", number: true }, { name: "Sent" }, { name: "Outcome" }, { name: "Compared" }, { name: "First to last byte" },
    { name: "RTT ms", number: true }, { name: "First byte ms", number: true }, { name: "Own delay ms", number: true }, { name: "Connection, ms" },
    { name: "Clock" }, { name: "Skew", number: true, term: "skew" }, { name: "Question" }];
  return [back(`#/session/${id}`, `session ${short(id)}`),
    h("section", { class: "card", "aria-label": words(of).Servicer },
      h("div", { class: "cardhead" }, h("h1", null, `${words(of).Servicer} `, h("span", { class: "mono" }, named(address))), verdict(found.verdict), reason(found)),
      h("div", { class: "facts" }, h("dl", null, fact(words(of).address, h("span", { class: "mono wrap" }, address)), fact("service URL", h("span", { class: "wrap" }, found.service_url)),
        fact(term("rank"), found.rank ?? "none: too little was observed"), fact("samples", `${found.samples}, ${found.null_samples} `, term("null", "null"), `, ${found.void} `, term("void"), found.throttled ? [`, ${found.throttled} `, term("throttled")] : null),
        fact("over time", h("a", { href: link(["servicer", address]) }, "1 hour to 30 days")),
        owned(found), introduced(found),
        fact(["over the ", term("sla", "SLA")], `${found.over_sla} of ${found.samples - found.null_samples} answers`),
        fact("judged by", `SLA ${of.latency_sla_ms ?? NONE} ms, ${of.null_samples_allowed} null samples allowed, ${of.samples_required} samples required, `
          + `${of.disagreements_allowed ?? 0} disagreements allowed, ${of.max_lag ? `${of.max_lag} blocks of lag in all but ${of.lagging_allowed} claims` : "freshness not judged"}`))),
      h("div", { class: "figures" },
        h("div", null, h("h2", null, "Availability"), share(found.availability, "Available")),
        h("div", null, h("h2", null, "Consistency"), share(found.consistency, "Consistent")),
        h("div", null, h("h2", null, "Lag, blocks"), freshness(found.freshness)),
        h("div", null, h("h2", null, "Round-trip time"), h("div", { class: "rtt" }, timeAxis(scale, of.latency_sla_ms), times(scale, found.rtt_ms, answers, of.latency_sla_ms), quantiles(found.rtt_ms))),
        h("div", null, h("h2", null, "Checks"), strip(marksOf(of, address))))),
    h("section", { class: "card", "aria-label": "Samples" }, h("div", { class: "cardhead" }, h("h2", null, "Samples"),
      h("span", { class: "quiet" }, `the newest first; times without connecting${onChain() ? ", signing and verifying" : ""}`)),
    table("Samples, the newest first", columns, all.map((round) => row(of, round, address, longest)), "samples")),
    legend()];
}
