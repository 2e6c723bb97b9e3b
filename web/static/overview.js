// The servicers by their newest checks, the running sessions with theirs, worst first; and the past sessions.
import { h } from "./dom.js";
import { glossary, term } from "./explain.js";
import { paged } from "./list.js";
import { begin } from "./member.js";
import { now as rolling } from "./rolling.js";
import { MARKS, mark, strip, swatch, timeAxis, timeScale, times } from "./charts.js";
import { NONE, day, lasting, micros, named, short } from "./format.js";
import { answered, countVerdicts, fact, freshness, quantiles, reason, share, table, tally, verdict, who } from "./parts.js";
import { blockSeconds, checksPast, current, isLarge, isRunning, roundsOf, state } from "./state.js";
import { vantageCard } from "./vantage.js";
import { groupOf, onChain, place, words } from "./words.js";

const CELLS = 60;

/** timeLeft describes the progress of a session. */
export function timeLeft(session) {
  if (!state.status) return NONE;
  if (session.started) {
    const seconds = (Date.parse(session.ended) - Date.now()) / 1000;
    return seconds > 0 ? lasting(seconds) : session.complete ? "over" : "over, last checks are being stored";
  }
  if (!onChain()) return isRunning(session) ? "until its last block" : "over";
  const left = session.height + session.blocks - 1 - state.status.height;
  if (left <= 0) return session.complete ? "over" : "over, last checks are being stored";
  const pace = blockSeconds();
  return `${left} of ${session.blocks} blocks${pace ? `, about ${lasting(left * pace)}` : ""}`;
}

const UPOKT = new Intl.NumberFormat(undefined);

/** upokt formats an amount, which comes as text because numbers are too short for it. */
export const upokt = (amount) => (amount === null || amount === undefined ? NONE : `${UPOKT.format(BigInt(amount))} uPOKT`);

// budget shows what of a group's budget is spent, and what is left.
function budget(of) {
  if (!of) return null;
  const spent = (amount, most) => (most === null ? upokt(amount) : `${UPOKT.format(BigInt(amount))} of ${upokt(most)}`);
  return [fact("spent in the session", spent(of.spent_session_upokt, of.max_upokt_per_session)), fact("spent today", spent(of.spent_day_upokt, of.max_upokt_per_day)),
    fact("a check costs", upokt(of.cost_per_check_upokt))];
}

function progress(session) {
  const past = checksPast(session);
  return h("div", { class: "facts" }, h("dl", null,
    fact(words(session).group, session.relay_chain),
    session.started ? [session.catalogue ? fact("questions", session.catalogue) : null, fact("from", day(session.started)), fact("to", day(session.ended))] : [
      session.geo_zone ? fact("zone", session.geo_zone) : session.catalogue ? fact("questions", session.catalogue) : null,
      fact("application", h("span", { class: "mono", title: session.application }, named(session.application))),
      fact("blocks", `${session.height} to ${session.height + session.blocks - 1}`),
      session.from ? fact("from", day(session.from)) : null, session.complete && session.to ? fact("to", day(session.to)) : null],
    fact("left", h("span", { "data-left": session.id }, timeLeft(session))),
    fact("checks", `${past} of ${session.checks_planned}: ${session.checks_done} done, ${session.checks_dropped} `, term("dropped"), `, ${session.checks_void} `, term("void")),
    fact(["largest ", term("skew")], micros(session.max_skew_us)),
    isRunning(session) ? budget(groupOf(session)?.budget) : null,
    isRunning(session) ? fact("next check", h("span", { title: "When a session is checked next is a secret of its fisherman: servicers could read it here." }, "not shown")) : null),
    session.reasons?.length ? h("ul", { class: "reasons", "aria-label": "Checks that do not count" }, session.reasons.map(({ status, checks, text }) =>
      h("li", null, swatch(status), `${checks} ${status}: ${text}`))) : null);
}

/** positions returns the indices of a session's checks that fit into a strip. */
function positions(session) {
  const held = roundsOf(session.id);
  let end = Math.min(session.checks_planned, CELLS);
  if (session.checks_planned > CELLS) end = Math.max(end, ...held.keys().map((index) => index + 1));
  const begin = Math.max(0, end - CELLS);
  return Array.from({ length: end - begin }, (_, i) => begin + i);
}

const ended = (session) => session.complete || !isRunning(session) && checksPast(session) >= session.checks_planned;

export function marksOf(session, address, indices = positions(session)) {
  const held = roundsOf(session.id);
  return indices.map((index) => {
    if (!held.has(index) && held.size && ended(session)) return { index, name: "dropped", why: "nothing is stored of it" };
    return { index, ...mark(held.get(index), address, session.max_lag) };
  });
}

/** answersOf returns a servicer's answers in the checks that count. */
export const answersOf = (session, address) => [...roundsOf(session.id).values()].filter((round) => round.status === "DONE")
  .flatMap((round) => round.samples).filter((sample) => sample.servicer === address && sample.outcome === "OK");

function servicers(session) {
  const answers = new Map(session.servicers.map(({ servicer }) => [servicer, answersOf(session, servicer)]));
  const scale = timeScale([...answers.values()].flat().map((sample) => sample.rtt_ms)
    .concat(session.servicers.flatMap(({ rtt_ms: rtt }) => [rtt.p10, rtt.p99]).filter((time) => time !== null), session.latency_sla_ms ?? []));
  const columns = [{ name: words(session).Servicer }, { name: "Verdict", term: "verdict" }, { name: "Rank", number: true, term: "rank" }, { name: "Availability", term: "availability" },
    { name: "Round-trip time", term: "rtt", extra: timeAxis(scale, session.latency_sla_ms) }, { name: "Consistency", term: "consistency" }, { name: "Lag, blocks", term: "lag" }, ...isLarge(session) ? [] : [{ name: "Checks" }]];
  const { rows, more } = paged(session.servicers, short(session.id));
  return [table(`${words(session).Servicers} of session ${short(session.id)}, worst first`, columns, rows.map((servicer) => ({
    key: servicer.servicer,
    cells: [
      who(servicer, `#/session/${session.id}/${encodeURIComponent(servicer.servicer)}`),
      h("div", { class: "judged" }, verdict(servicer.verdict), reason(servicer)),
      servicer.rank ?? NONE,
      share(servicer.availability, "Available", answered(servicer)),
      h("div", { class: "rtt" }, times(scale, servicer.rtt_ms, answers.get(servicer.servicer), session.latency_sla_ms), quantiles(servicer.rtt_ms)),
      share(servicer.consistency, "Consistent", `${servicer.consistency.agree} of ${servicer.consistency.agree + servicer.consistency.disagree}`),
      freshness(servicer.freshness),
      ...isLarge(session) ? [] : [strip(marksOf(session, servicer.servicer))],
    ],
  })), "servicers"), more];
}

// The marks whose words explain themselves.
const EXPLAINED = ["null", "void", "throttled", "dropped"];

export const legend = () => h("ul", { class: "legend", "aria-label": "Marks of checks" }, Object.entries(MARKS).map(([name, [, , said]]) =>
  h("li", null, swatch(name), EXPLAINED.includes(name) ? h("span", null, term(name, name), `: ${said.replace(`${name}: `, "")}`) : said)));

/** sessionCard shows a session with its servicers. */
export function sessionCard(session, level = "h2") {
  const running = isRunning(session);
  return h("section", { class: "card", "data-key": session.id, "aria-label": `Session ${short(session.id)}` },
    h("div", { class: "cardhead" },
      h(level, null, h("a", { href: `#/session/${session.id}` }, "Session ", h("span", { class: "mono" }, short(session.id)))),
      h("span", { class: running ? "phase running" : "phase" }, running ? "running" : session.complete ? "complete" : "over"),
      session.vantage ? h("span", { class: "quiet" }, `from ${session.vantage}`) : null,
      h("span", { class: "tally" }, tally(countVerdicts(session.servicers)))),
    progress(session), servicers(session),
    session.checks_planned > CELLS && !isLarge(session) ? h("p", { class: "quiet small" }, `The strip shows the newest ${CELLS} of ${session.checks_planned} checks; the numbers are of all.`) : null);
}

function past(shown) {
  const sessions = [...state.sessions.values()].filter((session) => !shown.has(session.id)).sort((a, b) => b.height - a.height);
  if (!sessions.length) return null;
  const paid = sessions.some((session) => !session.started), blocks = sessions.every((session) => !session.started);
  const columns = [{ name: "Session" }, { name: "From" }, ...blocks ? [{ name: "Block", number: true }] : [], { name: onChain() ? "Relay chain" : "Group" }, ...paid ? [{ name: "Application" }] : [],
    { name: "Checks" }, { name: "Largest skew", number: true, term: "skew" }, { name: "Verdicts", term: "verdict" }];
  return h("section", { class: "card", "data-key": "past", "aria-labelledby": "past-heading" },
    h("div", { class: "cardhead" }, h("h2", { id: "past-heading" }, "Past sessions"),
      h("span", { class: "quiet" }, "the newest first; merged in "), h("a", { href: "#/window/10" }, "windows")),
    table("Past sessions, the newest first", columns, sessions.map((session) => ({ key: session.id, cells: [
      h("a", { href: `#/session/${session.id}`, class: "mono" }, short(session.id)), begin(session), ...blocks ? [session.height] : [],
      place(session), ...paid ? [h("span", { class: "mono", title: session.application }, named(session.application))] : [],
      `${session.checks_done} done, ${session.checks_dropped} dropped, ${session.checks_void} void`, micros(session.max_skew_us),
      h("span", { class: "tally" }, tally(countVerdicts(session.servicers)))] })), "past"));
}

/** overview is the start page. */
export function overview() {
  const now = current(), heading = h("h1", { class: "unseen" }, `${words().Servicers} now`);
  if (!now.length) {
    return [heading, vantageCard(), rolling(), h("p", { class: "empty" },
      state.listed ? "No session was sampled so far. The first one appears here when it begins." : "Asking the node …")];
  }
  return [heading, vantageCard(), rolling(), now.map((session) => sessionCard(session)), legend(), past(new Set(now.map(({ id }) => id))), glossary()];
}
