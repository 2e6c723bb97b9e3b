// The evidence of a disagreement: the question, and the answers of both sides.
import { NodeError, ask } from "./api.js";
import { h } from "./dom.js";
import { day, named, short } from "./format.js";
import { fact } from "./parts.js";

const SHOWN = 65536;
const MOST_LINES = 2000;

const kept = { key: null, pieces: null, failure: null };

/** readEvidence fetches the evidence of a check once, and calls done when it has arrived. */
export async function readEvidence(session, check, done) {
  const key = `${session}/${check}`;
  if (kept.key === key) return;
  Object.assign(kept, { key, pieces: null, failure: null });
  let pieces = null, failure = null, again = false;
  try {
    pieces = (await ask("/v1/evidence", { session, check })).evidence;
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    again = !error.code;
    failure = error.code === "unknown_path" ? "This node does not serve evidence." : error.message;
  }
  if (kept.key !== key) return;
  Object.assign(kept, { pieces, failure });
  if (again) kept.key = null;
  done();
}

// sorted sorts the keys of objects, so that answers that differ only in order look the same.
function sorted(_, value) {
  if (value === null || typeof value !== "object" || Array.isArray(value) || JSON.isRawJSON?.(value)) return value;
  const result = Object.create(null);
  for (const key of Object.keys(value).sort()) result[key] = value[key];
  return result;
}

const exact = (_, value, context) => (typeof value === "number" && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value);

// Numbers are shown as written in the text, because those above 2^53 would be rounded.
function pretty(text) {
  const cut = text.length > SHOWN ? text.slice(0, SHOWN) + "\n… cut" : text;
  try {
    return JSON.stringify(JSON.parse(cut, exact), sorted, 2);
  } catch {
    return cut;
  }
}

function answer(side, others) {
  const lines = pretty(side.answer).split("\n").slice(0, MOST_LINES);
  const differs = (line) => others.some((other) => !other.has(line.trim()));
  return h("section", { class: `side ${side.consistency.toLowerCase()}` },
    h("h3", null, side.consistency === "DISAGREE" ? "≠ Dissenter " : "✓ Of the majority ", h("span", { class: "mono", title: side.servicer.address }, named(side.servicer.address))),
    h("p", { class: "quiet small mono wrap" }, `digest ${side.digest}`),
    h("pre", { tabindex: "0", "aria-label": `Answer of ${named(side.servicer.address)}` }, lines.map((line) =>
      [differs(line) ? h("mark", null, line) : line, "\n"])));
}

function piece(of) {
  const sides = [...of.sides].sort((a, b) => b.consistency.localeCompare(a.consistency));
  const lines = new Map(sides.map((side) => [side, new Set(pretty(side.answer).split("\n").map((line) => line.trim()))]));
  const opposite = (side) => sides.filter((other) => other.consistency !== side.consistency).map((other) => lines.get(other));
  return h("div", null,
    h("dl", { class: "facts" }, fact("question", h("span", { class: "wrap" }, of.question)), fact("asked", day(of.asked_at)),
      fact("compared by", of.rule, of.ignored_fields?.length ? ` without ${of.ignored_fields.join(", ")}` : ""),
      fact("votes", of.votes.map((vote) => `${named(vote.servicer)} ${vote.consistency.toLowerCase()}`).join(", "))),
    h("h2", null, "Question"), h("pre", { tabindex: "0", "aria-label": "Question" }, pretty(of.request)),
    h("h2", null, "Answers"), h("p", { class: "quiet" }, "Shown with sorted keys. Marked lines stand in one side's answer only."),
    h("div", { class: "sides" }, sides.map((side) => answer(side, opposite(side)))));
}

/** evidence is the page of one check's evidence. */
export function evidence(session, check) {
  const body = kept.failure ? h("p", { class: "empty" }, kept.failure)
    : !kept.pieces ? h("p", { class: "empty" }, "Asking the node …")
      : kept.pieces.length ? kept.pieces.map(piece)
        : h("p", { class: "empty" }, "No evidence is kept of this check: nobody disagreed, or an answer was too large.");
  return [h("p", { class: "back" }, h("a", { href: `#/session/${session}` }, `← session ${short(session)}`)),
    h("section", { class: "card" }, h("div", { class: "cardhead" }, h("h1", null, `Evidence of check ${check}`)), body,
      h("p", { class: "quiet small" }, kept.pieces?.find(({ note }) => note)?.note
        ?? "Question and answers are signed. bin/pocket fisherman evidence saves and verifies them without trust in this node."))];
}
