// What the page calls things: by the network that the node's fisherman samples.
import { state } from "./state.js";

const CHAIN = { servicer: "servicer", Servicer: "Servicer", Servicers: "Servicers", address: "address", group: "relay chain", behind: "node behind it" };
const LIST = { servicer: "target", Servicer: "Target", Servicers: "Targets", address: "name", group: "group", behind: "target" };

const SUPPLIERS = { servicer: "supplier", Servicer: "Supplier", Servicers: "Suppliers", address: "address", group: "group", behind: "node behind it" };

/** onChain reports whether the node is one of a chain; otherwise it samples lists of endpoints or the live Pocket network. */
export const onChain = () => !["endpoints", "shannon"].includes(state.status?.network);

/** measures reports whether the node has a fisherman. */
export const measures = () => Boolean(state.status?.fisherman) || !onChain();

/** words are those of the network of a session, window or group; without one, of what the node samples. */
export function words(of) {
  if (onChain()) return CHAIN;
  const list = !of ? state.status.network === "endpoints" : "started" in of ? Boolean(of.started) : networkOf(of) === "endpoints";
  return list ? LIST : SUPPLIERS;
}

// networkOf returns the network of a group.
function networkOf(of) {
  const group = groupOf(of);
  return group ? group.network || "endpoints" : state.status.network;
}

/** groupOf returns the group of a session or window; undefined where there is none. */
export const groupOf = (of) => state.status?.groups?.find(({ name }) => name === of.relay_chain);

/** sampled says what is sampled where there is no chain, and by how much. */
export function sampled() {
  const { groups } = state.status, of = (network) => groups.filter((group) => (group.network || "endpoints") === network);
  const count = (some) => some.reduce((all, { targets }) => all + targets, 0);
  return [["endpoints", "target", "a list of endpoints"], ["shannon", "supplier", "the live Pocket network"]]
    .filter(([network]) => of(network).length || !groups.length && network === state.status.network)
    .map(([network, noun, name]) => ({ noun, name, members: count(of(network)) }));
}

/** place formats where a window or session is: relay chain and zone, or the group. */
export const place = (of) => (onChain() ? `${of.relay_chain} ${of.geo_zone}` : of.relay_chain);
