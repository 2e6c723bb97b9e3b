package localnet

import (
	"fmt"
	"strings"
)

// anyPort is a loopback address with port 0, for any free port.
const anyPort = "127.0.0.1:0"

// addresses are where the parts of a LocalNet listen, each a loopback host:port.
type addresses struct {
	// RPC serves the node's HTTP API.
	RPC string `json:"rpc"`
	// ChainRPC serves the chain's own JSON-RPC.
	ChainRPC string `json:"chain_rpc"`
	// Ethereum serves the JSON-RPC of relay chain 0021.
	Ethereum  string              `json:"ethereum,omitempty"`
	Servicers []servicerAddresses `json:"servicers"`
}

// servicerAddresses belong to one servicer, by index.
type servicerAddresses struct {
	// Address of the actor, for people who read the file.
	Address string `json:"address"`
	Fault   Fault  `json:"fault,omitempty"`
	// Service is the address in the staked URL.
	Service string `json:"service"`
	// Delayed is where a slow servicer listens, behind its delay proxy.
	Delayed string `json:"behind,omitempty"`
	// Upstream is the proxy in front of the honest node that a servicer which is lying or behind uses as its node.
	Upstream string `json:"upstream,omitempty"`
	// EthereumUpstream is the same for relay chain 0021.
	EthereumUpstream string `json:"ethereum_upstream,omitempty"`
}

// freeAddresses returns the addresses of a new LocalNet: those of the options, and any free port for the rest.
func freeAddresses(o Options) addresses {
	a := addresses{RPC: o.RPCListen, ChainRPC: anyPort, Servicers: make([]servicerAddresses, o.Servicers)}
	if o.Ethereum {
		a.Ethereum = anyPort
	}
	for i := range a.Servicers {
		s := servicerAddresses{Address: servicerKey(o.Seed, i).Address(), Fault: o.fault(i), Service: anyPort}
		switch s.Fault {
		case FaultSlow:
			s.Delayed = anyPort
		case FaultLying, FaultBehind:
			s.Upstream = anyPort
			if o.Ethereum {
				s.EthereumUpstream = anyPort
			}
		}
		a.Servicers[i] = s
	}
	return a
}

// validate returns an error if the addresses do not match the options.
func (a addresses) validate(o Options) error {
	want := freeAddresses(o)
	if len(a.Servicers) != len(want.Servicers) {
		return fmt.Errorf("servicers are %d, not %d", len(a.Servicers), len(want.Servicers))
	}
	if !fits(a.RPC, want.RPC) || !fits(a.ChainRPC, want.ChainRPC) {
		return fmt.Errorf("%q or %q is not a loopback host:port", a.RPC, a.ChainRPC)
	}
	if !fits(a.Ethereum, want.Ethereum) {
		return fmt.Errorf("ethereum address %q is not that of the options", a.Ethereum)
	}
	for i, s := range a.Servicers {
		if w := want.Servicers[i]; s.Address != w.Address || s.Fault != w.Fault || !fits(s.Service, w.Service) ||
			!fits(s.Delayed, w.Delayed) || !fits(s.Upstream, w.Upstream) || !fits(s.EthereumUpstream, w.EthereumUpstream) {
			return fmt.Errorf("servicer %d is not that of the options", i)
		}
	}
	return nil
}

// fits reports whether an address is present exactly if it is wanted, on loopback and with a port.
func fits(address, wanted string) bool {
	if wanted == "" {
		return address == ""
	}
	return isLoopback(address) && !strings.HasSuffix(address, ":0")
}

// serviceURLs returns the URLs that the servicers stake, by index.
func (a addresses) serviceURLs() []string {
	urls := make([]string, len(a.Servicers))
	for i, s := range a.Servicers {
		urls[i] = httpURL(s.Service)
	}
	return urls
}

func httpURL(address string) string { return "http://" + address }
