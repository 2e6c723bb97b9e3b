// Makes elements, and updates the page to match them. Text is always text: nothing here parses markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

/** h makes an HTML element. Children are elements or text; null and false are left out. */
export const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);

/** s makes an SVG element. */
export const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);
const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && keyOf(a) === keyOf(b);

/** show replaces the children of an element. Equal nodes are kept, so that focus and scroll position stay. */
export function show(place, ...children) {
  const focused = document.activeElement;
  const made = place.cloneNode(false);
  fill(made, null, children);
  fitChildren(place, made);
  if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
}

function fit(live, made) {
  if (live.nodeType !== Node.ELEMENT_NODE) {
    if (live.data !== made.data) live.data = made.data;
    return;
  }
  for (const { name } of [...live.attributes]) {
    if (!made.hasAttribute(name) && !(name === "open" && live.nodeName === "DETAILS")) live.removeAttribute(name);
  }
  for (const { name, value } of made.attributes) {
    if (live.getAttribute(name) !== value) live.setAttribute(name, value);
  }
  fitChildren(live, made);
}

function fitChildren(live, made) {
  const keyed = new Map();
  for (const child of live.childNodes) if (keyOf(child) !== null) keyed.set(keyOf(child), child);
  let at = live.firstChild;
  for (const wanted of [...made.childNodes]) {
    const key = keyOf(wanted);
    const have = key !== null ? keyed.get(key) : at;
    if (!have || !alike(have, wanted)) {
      live.insertBefore(wanted, at);
      continue;
    }
    if (have === at) at = at.nextSibling;
    else live.insertBefore(have, at);
    fit(have, wanted);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}
