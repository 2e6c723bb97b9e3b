package consensus

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/cometbft/cometbft/libs/log"
	"github.com/cometbft/cometbft/p2p"
)

const (
	// redialPause is the interval at which a peer's connection is checked.
	redialPause = 3 * time.Second
	// lookupPatience bounds the lookup of a peer's address.
	lookupPatience = 2 * time.Second
)

// redialer keeps connections to the peers that are configured by host name. CometBFT resolves a name only once, when
// the node starts, and drops the peer if the name does not resolve yet. If nodes get a new address with every start, as
// pods do, it would keep dialling the old one.
type redialer struct {
	peers  []string
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)
	// locate is called with the addresses of a peer, after each lookup.
	locate func(id string, at ...netip.AddrPort)
	pause  time.Duration
	logger log.Logger
}

func newRedialer(peers []string, locate func(id string, at ...netip.AddrPort), logger log.Logger) *redialer {
	return &redialer{peers: named(peers, true), locate: locate, pause: redialPause, logger: logger,
		lookup: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}}
}

// named returns the peers with a host name, or those with an address.
func named(peers []string, name bool) []string {
	var found []string
	for _, peer := range peers {
		_, at, _ := cutPeer(peer)
		host, _, _ := net.SplitHostPort(at)
		if _, err := netip.ParseAddr(host); (err != nil) == name {
			found = append(found, peer)
		}
	}
	return found
}

// run dials until the context ends.
func (r *redialer) run(ctx context.Context, to p2p.PeerManager) {
	var dialing sync.WaitGroup
	for _, peer := range r.peers {
		dialing.Go(func() { r.keep(ctx, peer, to) })
	}
	dialing.Wait()
}

// keep keeps one peer connected.
func (r *redialer) keep(ctx context.Context, peer string, to p2p.PeerManager) {
	again := time.NewTicker(r.pause)
	defer again.Stop()
	id, at, _ := cutPeer(peer)
	host, port, _ := net.SplitHostPort(at)
	for {
		if !to.Peers().Has(p2p.ID(id)) {
			if err := r.dial(ctx, id, host, port, to); err != nil {
				r.logger.Debug("a peer cannot be reached yet", "peer", peer, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// dial connects to the first address that the host has now. A dial is not interrupted: CometBFT ends it after 4 s.
func (r *redialer) dial(ctx context.Context, id, host, port string, to p2p.PeerManager) error {
	asking, cancel := context.WithTimeout(ctx, lookupPatience)
	defer cancel()
	found, err := r.lookup(asking, host)
	if err != nil {
		return err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return err
	}
	located := make([]netip.AddrPort, len(found))
	for i, address := range found {
		located[i] = netip.AddrPortFrom(address, uint16(number))
	}
	r.locate(id, located...)
	if len(found) == 0 {
		return fmt.Errorf("%s has no address", host)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	address := p2p.NewNetAddressIPPort(found[0].Unmap().AsSlice(), uint16(number))
	address.ID = p2p.ID(id)
	return to.DialPeerWithAddress(address)
}
