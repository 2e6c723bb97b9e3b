package node

import (
	"syscall"

	"github.com/pocket-fisherman/fisherman/inbound"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/servicer"
)

// leastRequests is what a fisherman may have under way at once however few descriptors there are.
const leastRequests = 256

// mostRequests is how many requests a fisherman may have under way at once: an eighth of the file descriptors of this
// process. Each takes two, it keeps as many connections between checks, and the rest is for everything else. 0, the fisherman's default,
// when that is less or the limit is not known.
func mostRequests() int {
	if limit := descriptorLimit(); limit > 0 {
		return requestsWith(limit)
	}
	return 0
}

// descriptorLimit returns how many file descriptors this process may have; 0 when it is not known.
func descriptorLimit() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return uint64(limit.Cur)
}

// plenty of descriptors leave the default as it is.
const plenty = 1 << 17

func requestsWith(descriptors uint64) int {
	if descriptors >= plenty {
		return 0
	}
	return max(int(descriptors/8), leastRequests)
}

// inboundBounds are those of the connections that strangers open to the parts of a node.
type inboundBounds struct{ servicer, api, chainRPC, profiles inbound.Bounds }

// Of the descriptors, a quarter may be connections to the servicers, a quarter of that to the API and half of that to the
// chain's RPC; and a quarter is left whatever clients do: consensus and the stores have to open files at any time, and end when
// they cannot.
const (
	inboundShare    = 4
	mostReserved    = 1024
	leastInbound    = 16
	apiShare        = 4   // of what the servicers share
	chainRPCClients = 256 // the servicers of this node are among them
	profileClients  = 4
)

// inboundWith returns the bounds for a node by the numbers of its servicers and descriptors; 0 descriptors when that is not known.
func inboundWith(descriptors uint64, servicers int) inboundBounds {
	relays, api := servicer.DefaultConfig(), rpc.DefaultConnections()
	bounds := inboundBounds{
		servicer: inbound.Bounds{Most: relays.MaxConnections, PerClient: relays.MaxClientConnections},
		api:      api,
		chainRPC: inbound.Bounds{Most: chainRPCClients, PerClient: chainRPCClients / 2},
		profiles: inbound.Bounds{Most: profileClients},
	}
	if descriptors == 0 {
		return bounds
	}
	descriptors = min(descriptors, 1<<30)
	share := int(descriptors / inboundShare)
	reserve := min(int(descriptors/4), mostReserved)
	fit := func(b *inbound.Bounds, part int) {
		whole := b.Most
		b.Most = min(b.Most, max(part, leastInbound))
		b.PerClient = max(b.PerClient*b.Most/whole, 1)
		b.Descriptors = int(descriptors) - reserve
	}
	fit(&bounds.servicer, share/max(servicers, 1))
	fit(&bounds.api, share/apiShare)
	fit(&bounds.chainRPC, share/apiShare/2)
	bounds.profiles.Descriptors = bounds.api.Descriptors
	return bounds
}
