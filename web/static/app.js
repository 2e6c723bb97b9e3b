// The page: the view for each address, the header, and current problems.
import { choose, route } from "./address.js";
import { h, show } from "./dom.js";
import { startSaving } from "./download.js";
import { evidence, readEvidence } from "./evidence.js";
import { describe, startExplaining } from "./explain.js";
import { lasting, plural, short, timeOfDay } from "./format.js";
import { settle, startChoosing } from "./list.js";
import { member, readMember, startUnfolding } from "./member.js";
import { overview, timeLeft } from "./overview.js";
import { node as nodePage, readNode } from "./relays.js";
import { servicer, session } from "./servicer.js";
import { blockSeconds, start, state, want } from "./state.js";
import { showNewest, strips } from "./strips.js";
import { startUnfoldingPlaces } from "./vantage.js";
import { readWindow, windows } from "./window.js";
import { measures, onChain, sampled, words } from "./words.js";

const STALL_SECONDS = 10;
const STALL_BLOCKS = 5;

const pages = document.getElementById("pages"), node = document.getElementById("node"), notices = document.getElementById("notices");
const content = document.getElementById("content"), foot = document.getElementById("foot");

function page() {
  const { name, rest } = route();
  if (state.status && !measures()) return nodePage("A node without a fisherman");
  if (name === "node" && state.status && onChain()) return nodePage("The node");
  if (state.refusal && !state.listed) return h("p", { class: "empty" }, `The node says: ${state.refusal.message}.`);
  switch (name) {
    case "session": return rest.length > 1 ? servicer(rest[0], rest[1]) : session(rest[0]);
    case "evidence": return evidence(rest[0], rest[1]);
    case "window": return windows(rest[0]);
    case "history": return state.status ? strips(draw) : h("p", { class: "empty" }, "Asking the node …");
    case "servicer": return state.status ? member(rest[0], draw) : h("p", { class: "empty" }, "Asking the node …");
    default: return overview();
  }
}

function follow() {
  const { name, rest } = route();
  want(name === "session" || name === "evidence" ? rest[0] ?? null : null, name === "session" ? rest[1] ?? null : null);
  if (state.status && onChain() && (name === "node" || !measures())) readNode(draw);
  if (!measures()) return;
  if (name === "evidence") readEvidence(rest[0], rest[1], draw);
  if (name === "window") readWindow(rest[0], draw);
  if (name === "servicer") readMember(rest[0], draw);
}

function mood() {
  if (state.failure) return ["bad", "no connection"];
  if (!state.status) return ["", "connecting"];
  return state.live ? ["good", "live"] : ["", "every second"];
}

function drawTop() {
  const { name } = route(), [looks, words] = mood(), { status } = state;
  const link = (to, of, words) => h("a", { href: to, "aria-current": of.includes(name) ? "page" : null }, words);
  show(pages, status && !measures() ? link("#/", [""], "The node") : [link("#/", ["", "session", "evidence", "servicer"], "Now"), link("#/history", ["history"], "Over time"), link("#/window/10", ["window"], "Windows"),
    status && onChain() ? link("#/node", ["node"], "The node") : null]);
  show(node, h("span", { class: `mood ${looks}` }, words),
    !status ? null : onChain() ? [h("span", null, "height ", h("strong", { class: "height" }, status.height)), h("span", { class: "quiet" }, status.chain_id)]
      : [h("span", null, plural(status.groups.length, "group")), h("span", { class: "quiet" }, sampled().map(({ noun, members }) => plural(members, noun)).join(", "))]);
  show(foot, status ? [h("span", null, `version ${status.version}`),
    h("span", null, !onChain() ? sampled().map(({ name }) => name).join(" and ") : status.fisherman ? ["fisherman ", h("span", { class: "mono", title: status.fisherman }, short(status.fisherman))] : "no fisherman"),
    status.store ? h("span", null, `samples ${status.store.durable ? "on disk" : "in memory"}: ${status.store.disk.rounds + status.store.memory.rounds} checks`) : null,
    h("span", null, "the same as text: ", h("code", null, "bin/pocket fisherman qos"))] : null);
}

// usedUp returns the period whose budget does not pay for another check. Amounts are text: numbers are too short for them.
function usedUp(budget) {
  if (!budget?.cost_per_check_upokt) return null;
  const short = (left) => left !== null && BigInt(left) < BigInt(budget.cost_per_check_upokt);
  return short(budget.left_day_upokt) ? "day" : short(budget.left_session_upokt) ? "session" : null;
}

function drawNotices() {
  const now = Date.now(), found = [], store = state.status?.store;
  const since = (at) => `since ${timeOfDay(new Date(at))}`;
  if (state.failure) {
    found.push(["bad", state.answered ? `No connection to the node ${since(state.answered)}. What is shown is as of then.` : "No connection to the node."]);
  } else if (state.status && onChain()) {
    const patience = Math.max(STALL_SECONDS, STALL_BLOCKS * (blockSeconds() ?? 0)), still = (now - state.blockSeen) / 1000;
    if (state.status.height === 0) found.push(["warn", "The chain has no block yet."]);
    else if (still > patience) found.push(["warn", `No new block for ${lasting(Math.floor(still / 5) * 5)}: the chain stands still, and so do checks.`]);
  }
  if (store && !store.durable) found.push(["warn", `Samples are not on disk${store.since ? ` since ${timeOfDay(new Date(store.since))}` : ""}: ${store.reason ?? "unknown"}. They are in memory, and lost when the node ends.`]);
  if (store?.set_aside) found.push(["warn", `A damaged store of samples was set aside at ${store.set_aside}.`]);
  for (const { relay_chain: chain, fitness, why } of state.status?.controls ?? []) {
    if (fitness !== "FIT") found.push(["warn", `The control probe of ${words().group} ${chain} is not heard (${fitness.toLowerCase()}): ${why}.`]);
  }
  for (const { place, state: of, why } of state.status?.vantages ?? []) {
    if (of !== "OK") found.push(["warn", `Vantage point ${place} is ${of.toLowerCase()}: ${why}.`]);
  }
  for (const { name, budget } of state.status?.groups ?? []) {
    const period = usedUp(budget);
    if (period) found.push(["warn", `The budget of ${name} for the ${period} is used up: its checks are dropped.`]);
  }
  show(notices, found.map(([looks, text]) => h("p", { class: `notice ${looks}` }, text)));
}

// The charts' times go on, and what is stale is asked for again, while nothing else happens.
const CLOCK = 15000;
let drawnAt = 0;
let asked = false;

function draw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    drawnAt = Date.now();
    show(content, page());
    settle(content);
    showNewest(content);
    describe(document.body);
  });
}

function changed(everything) {
  drawTop();
  drawNotices();
  follow();
  if (everything || Date.now() - drawnAt > CLOCK) return draw();
  for (const place of content.querySelectorAll("[data-left]")) {
    const of = state.sessions.get(place.dataset.left);
    if (of) show(place, timeLeft(of));
  }
}

let path = location.hash.split("?")[0];
window.addEventListener("hashchange", () => {
  const before = path;
  path = location.hash.split("?")[0];
  changed(true);
  if (path === before) return;
  window.scrollTo(0, 0);
  content.focus({ preventScroll: true });
});
window.addEventListener("resize", draw);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  content.focus();
});

startExplaining();
startChoosing(choose, draw);
startSaving();
startUnfolding(draw);
startUnfoldingPlaces(draw);
start(changed);
