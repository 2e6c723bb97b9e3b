package consensus

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	cmtcfg "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"

	"github.com/pocket-fisherman/fisherman/consensus/entrance"
)

const (
	// anyPort is a free port of loopback.
	anyPort = "127.0.0.1:0"
	// innerTries is how often a port for CometBFT's own listener is looked for: another program may be faster.
	innerTries = 10
	// filterAddress stands before the address of an inbound connection when CometBFT asks whether to talk to it, filterID
	// before the ID of a peer.
	filterAddress = "/p2p/filter/addr/"
	filterID      = "/p2p/filter/id/"
)

// inbound is the way of peers to CometBFT: an entrance where they connect, and CometBFT's own listener on loopback, which
// takes connections of the entrance only.
type inbound struct {
	*entrance.Entrance
	// listen is the host:port of the entrance.
	listen string
	config *cmtcfg.P2PConfig
}

func newInbound(cfg Config, config *cmtcfg.P2PConfig) *inbound {
	in := &inbound{Entrance: entrance.New(cfg.inbound(), peerIDs(cfg.Peers)), listen: cfg.listen(), config: config}
	for _, peer := range named(cfg.Peers, false) { // the redialer locates the others
		id, at, _ := cutPeer(peer)
		if address, err := netip.ParseAddrPort(at); err == nil {
			in.Locate(id, address)
		}
	}
	return in
}

func (c Config) listen() string { return cmp.Or(c.Listen, anyPort) }

func (c Config) inbound() entrance.Bounds { return cmp.Or(c.Inbound, entrance.DefaultBounds()) }

// start starts a node whose peers come through the entrance.
func (in *inbound) start(n *node.Node) error {
	if err := in.Listen(in.listen); err != nil {
		return err
	}
	var err error
	for range innerTries {
		inner, free := freeLoopback()
		if free != nil {
			return fmt.Errorf("find a port for CometBFT: %w", free)
		}
		// CometBFT reads it when it starts. It cannot be given a listener, nor say which port it was given for port 0.
		in.config.ListenAddress = "tcp://" + inner
		if err = n.Start(); err == nil {
			in.Serve(inner)
			return nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return err
		}
	}
	return err
}

// freeLoopback returns a loopback address whose port is free now.
func freeLoopback() (string, error) {
	listener, err := net.Listen("tcp4", anyPort)
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// admits answers CometBFT's question whether to talk to an address or a peer; false when it is another question.
func (in *inbound) admits(question string) bool {
	if at, is := strings.CutPrefix(question, filterAddress); is {
		address, err := netip.ParseAddrPort(at)
		return err == nil && in.Expects(address)
	}
	return strings.HasPrefix(question, filterID)
}

// proof is a reactor without messages: CometBFT shows it each peer, whose key is proved by then.
type proof struct {
	p2p.BaseReactor
	to      *entrance.Entrance
	dropped *dropped
}

func newProof(to *entrance.Entrance, dropped *dropped) *proof {
	r := &proof{to: to, dropped: dropped}
	r.BaseReactor = *p2p.NewBaseReactor("Proof", r)
	return r
}

// InitPeer tells the entrance about an inbound peer.
func (r *proof) InitPeer(peer p2p.Peer) p2p.Peer {
	if at, is := peer.RemoteAddr().(*net.TCPAddr); is && !peer.IsOutbound() {
		r.to.Proved(at.AddrPort(), string(peer.ID()))
	}
	return peer
}

// AddPeer notes a peer that this node dialled.
func (r *proof) AddPeer(peer p2p.Peer) {
	if peer.IsOutbound() {
		r.dropped.connected(peer.ID())
	}
}

// RemovePeer notes the end of its connection. It waits with a peer that closes each one at once: CometBFT dials it again as soon
// as this returns, some thousand times a second. Without a reason the node stops, and nothing is dialled.
func (r *proof) RemovePeer(peer p2p.Peer, reason any) {
	if r.dropped.closed(peer.ID()) && reason != nil {
		select {
		case <-time.After(droppedPause):
		case <-r.Quit():
		}
	}
}
