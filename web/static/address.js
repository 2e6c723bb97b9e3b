// The page's address: which view, of what, and how it is filtered and sorted, so that an address can be kept and passed on.

// decoded is a part of the address; one that nobody encoded stays as it is.
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** route returns the view's name, what it is of, and its choices. */
export function route() {
  const [path, ...query] = location.hash.split("?");
  const [, name = "", ...rest] = path.split("/").map(decoded);
  return { name, rest, choices: new URLSearchParams(query.join("?")) };
}

/** link returns the address of a view. */
export function link(parts, choices = {}) {
  const query = new URLSearchParams(Object.entries(choices).filter(([, value]) => value)).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}

/** choice returns a choice of the current view. */
export const choice = (name, otherwise = "") => route().choices.get(name) ?? otherwise;

/** choose changes choices of the current view in its address, without a step in the browser's history. */
export function choose(changes) {
  const { choices } = route(), path = location.hash.split("?")[0] || "#/";
  for (const [name, value] of Object.entries(changes)) {
    if (value) choices.set(name, value);
    else choices.delete(name);
  }
  const query = choices.toString();
  history.replaceState(null, "", query ? `${path}?${query}` : path);
}
