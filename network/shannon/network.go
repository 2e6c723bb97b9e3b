package shannon

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman"
	"github.com/pocket-fisherman/fisherman/network/shannon/chain"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Config of a network.
type Config struct {
	// RPC are the URLs of full nodes' CometBFT RPC, in order of preference. They may hold keys, and are shown nowhere.
	RPC []string
	// ChainID is the chain that the nodes have to be of; empty for the one that most of them are of.
	ChainID string
	// Groups are sampled side by side. No two have the same name, or the same application and service.
	Groups []Group
	// Spendings is the file that remembers what was spent, for one process at a time; empty for none, so that a process that
	// is started again begins anew.
	Spendings string
	// AllowPrivate lets suppliers be at loopback and private addresses: for a network of one's own.
	AllowPrivate bool
	// RootCAs verify suppliers and RPC endpoints; nil means the system's.
	RootCAs *x509.CertPool
	// Patience is for how long a session that cannot be read is asked for again: the next head may be a minute away. 0 means
	// 5 s, below 0 not at all.
	Patience time.Duration
	// Now is the wall clock; nil for the system's.
	Now func() time.Time
	// Logger takes the log; nil discards it.
	Logger *slog.Logger
}

// Network is the live Pocket network. Run has it follow the chain. Many goroutines may use it.
type Network struct {
	*chain.Client
	dialer *wire.Dialer
	// patience is for how long what cannot be read is asked for again.
	patience time.Duration
	groups   []*group
	spent    *spending
	keys     keys
}

var _ fisherman.Network = (*Network)(nil)

// New returns a network; it asks nothing yet. Errors say what is wrong with the configuration.
func New(config Config) (*Network, error) {
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))
	if config.Now == nil {
		config.Now = time.Now
	}
	config.Patience = cmp.Or(config.Patience, 5*time.Second)
	client, err := chain.New(chain.Config{RPC: config.RPC, ChainID: config.ChainID, RootCAs: config.RootCAs, Logger: config.Logger})
	if err != nil {
		return nil, err
	}
	n := &Network{Client: client, patience: config.Patience, dialer: &wire.Dialer{RootCAs: config.RootCAs, AllowPrivate: config.AllowPrivate}}
	n.keys.read = client.PublicKey
	limits := make(map[string]Limits)
	names := make(map[string]bool)
	for _, configured := range config.Groups {
		configured.setDefaults()
		if err := configured.check(); err != nil {
			return nil, err
		}
		account := configured.account()
		if _, twice := limits[account]; twice || names[configured.Name] {
			return nil, fmt.Errorf("group %s: another group has its name, or its application and service", configured.Name)
		}
		limits[account], names[configured.Name] = configured.Limits, true
		n.groups = append(n.groups, &group{Group: configured, rules: configured, network: n, logger: config.Logger.With("group", configured.Name), counts: make(map[Problem]uint64)})
	}
	if len(n.groups) == 0 {
		return nil, errors.New("no group; at least one is needed")
	}
	n.spent, err = newSpending(config.Spendings, limits, config.Now)
	return n, err
}

// Close closes the file of spendings, after the last check, and lets connections to nodes go.
func (n *Network) Close() error {
	n.Client.Close()
	return n.spent.close()
}

// Dial connects to a supplier: to a loopback or private address only if the user said so.
func (n *Network) Dial(ctx context.Context, serviceURL string) (*wire.Conn, error) {
	return n.dialer.Dial(ctx, serviceURL)
}

// Sessions implements fisherman.Sessions. A group that has none because of what the chain says of it is left out; that the
// chain cannot be read is an error unless a session that covers the height is known.
func (n *Network) Sessions(ctx context.Context, height int64) ([]*types.Session, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found := make([]*session, len(n.groups))
	failures := make([]error, len(n.groups))
	var reading sync.WaitGroup
	for i, g := range n.groups {
		reading.Go(func() { found[i], failures[i] = g.at(ctx, height) })
	}
	reading.Wait()
	var current []*types.Session
	for _, s := range found {
		if s != nil {
			current = append(current, s.Session)
		}
	}
	if len(current) > 0 {
		return current, nil
	}
	return nil, chain.Join(failures...)
}

var errUnknownSession = errors.New("the session is not known")

// session returns a session that was read; nil when it is not known, or not any more.
func (n *Network) session(id string) *session {
	for _, g := range n.groups {
		if s := g.known(id); s != nil {
			return s
		}
	}
	return nil
}

// errUnusableURL is why a supplier is not connected to.
var errUnusableURL = fmt.Errorf("the staked URL does not print, or has more than %d bytes", mostURL)

// Policy implements fisherman.Sessions.
func (n *Network) Policy(_ context.Context, of *types.Session) (fisherman.Policy, error) {
	if s := n.session(of.GetHeader().GetId()); s != nil {
		return s.policy, nil
	}
	return fisherman.Policy{}, errUnknownSession
}

// Ask implements fisherman.Network: it signs the question for the application, and addresses it to one supplier.
func (n *Network) Ask(of *types.Session, servicer *types.Actor, payload types.Payload) (fisherman.Request, error) {
	s := n.session(of.GetHeader().GetId())
	if s == nil {
		return nil, errUnknownSession
	}
	to, is := s.members[servicer.GetAddress()]
	switch {
	case !is:
		return nil, errors.New("the supplier is not one of the session's")
	case to.unusable:
		return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_BUILD_REQUEST, errUnusableURL)
	}
	publicKey, err := hex.DecodeString(servicer.GetPublicKey())
	if err != nil || len(publicKey) == 0 {
		return nil, fmt.Errorf("supplier %s: %w", servicer.GetAddress(), protocol.ErrUnverifiable)
	}
	sealed, err := protocol.Seal(s.signer, s.header, protocol.Target{Address: servicer.GetAddress(), PublicKey: publicKey,
		KeyHeight: to.keyHeight, URL: servicer.GetServiceUrl(), RPCType: to.rpcType}, payload)
	if errors.Is(err, protocol.ErrServiceURL) {
		return nil, wire.Fail(types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_BUILD_REQUEST, protocol.ErrServiceURL)
	}
	if err != nil {
		return nil, fmt.Errorf("seal relay to %s: %w", servicer.GetAddress(), err)
	}
	height, _ := n.Head()
	return &request{Request: sealed, network: n, session: s, asked: height}, nil
}

// request is one sealed question; it implements fisherman.Request.
type request struct {
	*protocol.Request
	network *Network
	session *session
	// asked is the height that our view of the chain was at when it was made.
	asked int64
}

// Open implements fisherman.Request.
func (r *request) Open(answer *wire.Answer) (fisherman.Reply, *wire.Failure) {
	reply, failure := r.Request.Open(answer)
	if failure != nil {
		return fisherman.Reply{}, r.weigh(failure)
	}
	return fisherman.Reply{Status: reply.Status, Payload: reply.Payload, Remark: reply.Remark}, nil
}
