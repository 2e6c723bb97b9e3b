package api

import "encoding/json"

// HasChain reports whether the node is one of our own chain. Nodes of versions before name no network, and are.
func (n Network) HasChain() bool { return n != NetworkEndpoints && n != NetworkShannon }

// MarshalJSON writes null for the chain and the height of a network that has none. Reading null leaves them empty and 0.
func (s Status) MarshalJSON() ([]byte, error) {
	type plain Status
	if s.Network.HasChain() {
		return json.Marshal(plain(s))
	}
	return json.Marshal(struct {
		plain
		ChainID *string `json:"chain_id"`
		Height  *int64  `json:"height"`
	}{plain: plain(s)})
}

// MarshalJSON writes null for the height of a node without a chain: one with a chain is ready from its first block on.
func (r Ready) MarshalJSON() ([]byte, error) {
	type plain Ready
	if r.Height != 0 {
		return json.Marshal(plain(r))
	}
	return json.Marshal(struct {
		plain
		Height *int64 `json:"height"`
	}{plain: plain(r)})
}
