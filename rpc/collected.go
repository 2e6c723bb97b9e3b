package rpc

import "github.com/pocket-fisherman/fisherman/rpc/api"

// Collected is the networks of what a collector was sent: groups without a chain here, whose identifiers are printable ASCII
// text of 1 to 128 bytes.
func Collected(groups func() []api.Group, ready func() error) Network {
	network := Endpoints(groups, ready)
	network.chainless = "this is a collector of what fishermen publish; there is no chain"
	return network
}
