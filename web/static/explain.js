// Explains the words of the page, on hover and on focus, and all of them in a list.
import { h } from "./dom.js";
import { words } from "./words.js";

/** TERMS are the words that are explained. A text is made when it is shown, because its words are the network's. */
const TERMS = {
  verdict: ["Verdict", () => `What the checks say of a ${words().servicer}, the worst that holds: inconsistent, unavailable, behind, slow, unknown (too few checks), healthy. `
    + "“Not asked yet” is one that no check has asked so far; that is no fault."],
  rolling: ["Rolling verdict", () => "The verdict over the newest checks, whichever session they belong to. The start of a session does not empty it."],
  rank: ["Rank", () => `1 plus the number of ${words().servicer}s that are better beyond doubt. Those that cannot be told apart share a rank; one of which too little is known has none.`],
  availability: ["Availability", () => "The share of the counted checks that were answered validly in time, with the interval in which the true share lies with 95 % confidence."],
  rtt: ["Round-trip time", () => "From the request sent to the last byte of the answer. Connecting is no part of it. Half of the answers are faster than p50, nine of ten faster than p90."],
  sla: ["SLA", () => `The longest round-trip time that a ${words().servicer} may take. One whose p50 is above it is slow.`],
  consistency: ["Consistency", () => "The share of the answers that agree with the majority, of those that could be compared. A lone different answer speaks against who gave it."],
  lag: ["Lag", () => `By how many blocks the node of a ${words().servicer} was behind what most had reached, at most.`],
  skew: ["Skew", () => `The time between the first and the last request of a check. All ${words().servicer}s are asked at the same moment; a check with too much skew is void.`],
  void: ["Void", () => "A check, or one sample of it, that counts for nobody: the fisherman could not measure fairly, or could not tell whose fault it was."],
  null: ["Null sample", () => `A check that counts and that a ${words().servicer} did not answer validly in time.`],
  path: ["Path", () => "Null samples of one vantage point where most others were answered: they speak against its way to there, not against who was asked."],
  dropped: ["Dropped", () => "A planned check that was never asked, for example because the fisherman was stopped or its budget was used up."],
  throttled: ["Throttled", () => `A check in which a ${words().servicer} was left out because it had asked to be asked less often. It counts for nobody.`],
  connections: ["Warm and cold", () => "A warm answer came on a connection that was kept from an earlier check, a cold one on a new connection, whose first answer is slower."],
};

const id = (name) => `about-${name}`;

/** term is a word that explains itself on hover and on focus. */
export const term = (name, ...shown) => h("button", { type: "button", class: "term", "aria-describedby": id(name), "data-about": name }, shown.length ? shown : TERMS[name][0].toLowerCase());

/** about returns the attributes that give an element the explanation of a word. */
export const about = (name) => (name ? { "aria-describedby": id(name), "data-about": name } : {});

/** glossary lists all explanations. */
export const glossary = () => h("details", { class: "glossary", "data-key": "glossary" }, h("summary", null, "What the words mean"),
  h("dl", null, Object.values(TERMS).map(([name, text]) => h("div", null, h("dt", null, name), h("dd", null, text())))));

let place = null, shown = null, anchor = null;

// tip returns the tooltip of a word.
function tip(name) {
  const known = document.getElementById(id(name));
  if (known) return known;
  return place.appendChild(h("div", { id: id(name), role: "tooltip", hidden: true }, TERMS[name][1]()));
}

function hide() {
  if (shown) shown.hidden = true;
  shown = anchor = null;
}

function reveal(target) {
  hide();
  anchor = target;
  shown = tip(target.dataset.about);
  shown.textContent = TERMS[target.dataset.about][1]();
  shown.hidden = false;
  settle();
}

// settle places the explanation beside what it explains.
function settle() {
  if (!shown) return;
  if (!anchor.isConnected) return hide();
  const at = anchor.getBoundingClientRect(), size = shown.getBoundingClientRect(), edge = 8;
  const left = Math.min(Math.max(edge, at.left), document.documentElement.clientWidth - size.width - edge);
  const below = at.bottom + 4, top = below + size.height > innerHeight && at.top > size.height ? at.top - size.height - 4 : below;
  shown.style.left = `${left}px`;
  shown.style.top = `${top}px`;
}

const asked = (event) => event.target.closest?.("[data-about]");

/** startExplaining shows explanations of what is hovered or focused; Escape hides them. */
export function startExplaining() {
  place = document.getElementById("tips");
  for (const kind of ["pointerover", "focusin"]) {
    document.addEventListener(kind, (event) => (asked(event) ? reveal(asked(event)) : kind === "focusin" || !shown?.contains(event.target) ? hide() : null));
  }
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", settle, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
}

/** describe makes the tooltips that the drawn page refers to. */
export function describe(root) {
  for (const element of root.querySelectorAll("[data-about]")) tip(element.dataset.about);
}
