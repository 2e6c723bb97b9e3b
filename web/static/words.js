// What the page calls things: by the network that the node's fisherman samples.
import { state } from "./state.js";

const CHAIN = { servicer: "servicer", Servicer: "Servicer", Servicers: "Servicers", address: "address", group: "relay chain", behind: "node behind it" };
const LIST = { servicer: "target", Servicer: "Target", Servicers: "Targets", address: "name", group: "group", behind: "target" };

/** onChain reports whether the node is one of a chain; otherwise it samples a list of endpoints. */
export const onChain = () => state.status?.network !== "endpoints";

/** measures reports whether the node has a fisherman. */
export const measures = () => Boolean(state.status?.fisherman) || !onChain();

/** words are those of the node's network. */
export const words = () => (onChain() ? CHAIN : LIST);

/** place formats where a window or session is: relay chain and zone, or the group. */
export const place = (of) => (onChain() ? `${of.relay_chain} ${of.geo_zone}` : of.relay_chain);
