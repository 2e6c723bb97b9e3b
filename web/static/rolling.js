// The servicers by their newest checks, whatever sessions those are of.
import { link } from "./address.js";
import { timeAxis, timeScale } from "./charts.js";
import { h } from "./dom.js";
import { offer, servicerRows } from "./download.js";
import { term } from "./explain.js";
import { NONE, lasting, plural, short } from "./format.js";
import { SORTS, controls, matching, paged, sorted } from "./list.js";
import { answered, countVerdicts, freshness, reason, saving, share, table, tally, verdict, who } from "./parts.js";
import { current, isRunning, state } from "./state.js";
import { placeRows, rtt, rttsOf, unfold } from "./vantage.js";
import { onChain, words } from "./words.js";

const SAVED = "servicers";

const same = (of) => (session) => session.relay_chain === of.relay_chain && session.geo_zone === of.geo_zone;

// beside shows the part of a servicer in the running sessions of its place.
function beside(running, servicer) {
  const found = running.flatMap((session) => session.servicers.filter((one) => one.servicer === servicer).map((one) => ({ session, one })));
  if (!found.length) return h("span", { class: "quiet" }, NONE);
  return h("div", { class: "beside" }, found.slice(0, 3).map(({ session, one }) => h("a", { href: link(["session", session.id, servicer]), title: `session ${short(session.id)}` }, verdict(one.verdict))), found.length > 3 ? h("span", { class: "quiet small" }, `and ${found.length - 3} more`) : null);
}

const ago = (at) => (at ? `${lasting((Date.now() - Date.parse(at)) / 1000)} ago` : "never");

const named = (of) => (of.geo_zone || onChain() ? `Relay chain ${of.relay_chain}, zone ${of.geo_zone}` : `Group ${of.relay_chain}`);

function one(of, index) {
  const running = current().filter(same(of)).filter(isRunning), sla = [...state.sessions.values()].filter(same(of)).at(-1)?.latency_sla_ms ?? null;
  const chosen = sorted(matching(of.servicers)), { rows, more } = paged(chosen, String(index || ""));
  const scale = timeScale(rttsOf(rows).concat(sla ?? []));
  const columns = [{ name: words(of).Servicer, sort: "name" }, { name: "Verdict", sort: "worst", term: "verdict" }, { name: "Rank", number: true, sort: "rank", term: "rank" },
    { name: "Availability", sort: "availability", term: "availability" }, { name: "Round-trip time", sort: "p50", term: "rtt", extra: timeAxis(scale, sla) },
    { name: "Consistency", sort: "consistency", term: "consistency" }, { name: "Lag, blocks", sort: "lag", term: "lag" }, { name: "Newest check", sort: "asked" }, { name: "In the running session" }];
  const name = named(of);
  return { chosen, drawn: h("section", { class: "card now", "data-key": `now ${of.relay_chain} ${of.geo_zone}`, "aria-label": `${name}, now` },
    h("div", { class: "cardhead" }, h("h2", null, name), h("span", { class: "quiet" }, term("rolling"), ` over the newest ${of.checks} checks of the last ${lasting(of.max_age_seconds)}`),
      h("span", { class: "tally" }, tally(countVerdicts(of.servicers)))),
    rows.length ? table(`${words(of).Servicers} of ${name} by their newest checks`, columns, rows.flatMap((servicer) => [{ key: servicer.servicer, cells: [
      [who(servicer, link(["servicer", servicer.servicer])), unfold(of, servicer)], h("div", { class: "judged" }, verdict(servicer.verdict), reason(servicer)), servicer.rank ?? NONE,
      share(servicer.availability, "Available", answered(servicer)),
      rtt(scale, servicer, sla),
      share(servicer.consistency, "Consistent", `${servicer.consistency.agree} of ${servicer.consistency.agree + servicer.consistency.disagree}`),
      freshness(servicer.freshness), h("span", { class: "quiet small figure", title: servicer.asked_at }, ago(servicer.asked_at)), beside(running, servicer.servicer)] },
    ...placeRows(of, servicer, scale, sla, (one) => [h("span", { class: "quiet small figure", title: one.asked_at }, ago(one.asked_at)), NONE])]), "rolling")
      : h("p", { class: "empty" }, of.servicers.length ? "Nobody matches." : "Nobody was asked of late."), more) };
}

/** now shows all servicers by their newest checks; null while there are none. */
export function now() {
  const all = state.rolling ?? [];
  if (!all.length) return null;
  const cards = all.map(one);
  offer(SAVED, () => ({ rows: cards.flatMap(({ chosen }, i) => servicerRows(all[i], chosen)), value: { rolling: cards.map(({ chosen }, i) => ({ ...all[i], servicers: chosen })) } }));
  return h("div", { class: "rollings", "data-key": "rolling" }, h("div", { class: "tools" }, controls(all.flatMap(({ servicers }) => servicers.map(({ verdict: name }) => name)), Object.keys(SORTS)),
    saving(SAVED, cards.some(({ chosen }) => chosen.length > 0)), h("span", { class: "quiet small" }, plural(all.reduce((count, { servicers }) => count + servicers.length, 0), words().servicer))), cards.map(({ drawn }) => drawn));
}
