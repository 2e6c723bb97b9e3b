package collector

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// mostChains bounds the relay chains of one fisherman.
const mostChains = 256

// Fisherman is one whose statements are taken.
type Fisherman struct {
	// Name is the vantage point's, by the collector's configuration.
	Name string
	// PublicKey is what it signs with.
	PublicKey []byte
}

// Address returns the fisherman's address.
func (f Fisherman) Address() string { return crypto.Address(f.PublicKey) }

// Store is where the samples of one fisherman are kept.
type Store interface {
	// PutAll stores sessions, then rounds, and returns an error for each. A round that is stored already has
	// local.ErrRoundExists, one of a session that is not there modules.ErrUnknownSession, what does not fit local.ErrFull.
	PutAll(ctx context.Context, sessions []*types.QoSSession, rounds []*types.QoSRound) []error
	// Session returns a stored session. Errors: modules.ErrUnknownSession.
	Session(ctx context.Context, id string) (*types.QoSSession, error)
	// Page returns the first rounds of a session from an index on. Errors: modules.ErrUnknownSession.
	Page(ctx context.Context, id string, from uint32, limit int) (page []*types.QoSRound, stored int, err error)
	// Durable returns nil while all that PutAll has taken survives a crash.
	Durable() error
}

// Vantage is a fisherman with what is taken of its statements.
type Vantage struct {
	Fisherman
	// directory of the ledger.
	directory string
	store     Store

	mu sync.Mutex
	// chains are replaced, not changed.
	chains map[chainID]*record
	// networks of the relay chains, which are known before the first round of one is told of.
	networks map[string]string
	skew     skew
	// taken counts statements, by what became of them, since the process began.
	taken, duplicates, takeovers uint64
	rejected                     [rejections]uint64
	double                       *Double
}

// Double is a second place with the key of a vantage point.
type Double struct {
	// Heard is the place that is taken, Refused the other one.
	Heard, Refused string
	// At is when the server stored the last statement that was refused.
	At time.Time
}

// OpenVantage reads what is known of a fisherman's statements in a directory, which exists. The store has what was taken.
func OpenVantage(fisherman Fisherman, directory string, store Store) (*Vantage, error) {
	chains, err := readLedger(directory)
	if err != nil {
		return nil, err
	}
	v := &Vantage{Fisherman: fisherman, directory: directory, store: store, chains: chains}
	v.learn(chains)
	return v, nil
}

// learn notes the networks of relay chains.
func (v *Vantage) learn(chains map[chainID]*record) {
	networks := make(map[string]string, len(chains))
	for id := range chains {
		// Of two networks with a relay chain of one name, it is always the same.
		if known, is := networks[id.relayChain]; !is || id.network < known {
			networks[id.relayChain] = id.network
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.networks = networks
}

// sorted returns what is to be remembered, in a fixed order.
func sorted(chains map[chainID]*record) []*record {
	return slices.SortedFunc(maps.Values(chains), func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.Network, b.Network), cmp.Compare(a.RelayChain, b.RelayChain))
	})
}

// tally is what is counted in a batch of one vantage point.
type tally struct {
	taken, duplicates, takeovers uint64
	rejected                     [rejections]uint64
	double                       *Double
	delays                       []delay
}

// delay is when a statement was signed and when the server stored it.
type delay struct{ signed, stored time.Time }

// commit makes a batch part of what is known.
func (v *Vantage) commit(chains map[chainID]*record, t *tally) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.chains = chains
	v.taken += t.taken
	v.duplicates += t.duplicates
	v.takeovers += t.takeovers
	for i, n := range t.rejected {
		v.rejected[i] += n
	}
	if t.double != nil {
		v.double = t.double
	}
	for _, each := range t.delays {
		v.skew.add(each.signed, each.stored)
	}
}

// State is what is known of a vantage point at a moment. Counters are since the process began, those of chains since the
// collector first heard it.
type State struct {
	Fisherman
	// Heard is when the server stored the newest statement that was taken; zero for never.
	Heard time.Time
	// Skew is how far its clock is behind the server's, less than 0 for ahead; nil while nothing was heard.
	Skew *time.Duration
	// Place is the name that it has by its own configuration.
	Place                        string
	Taken, Duplicates, Takeovers uint64
	Rejected                     [rejections]uint64
	// Missing statements may still arrive, Gaps are given up, Lost rounds were never published.
	Missing, Gaps, Lost uint64
	// Double is a second place with its key; nil for none so far.
	Double *Double
}

// Skewed reports whether its clock is off by more than LargestSkew.
func (s State) Skewed() bool { return s.Skew != nil && s.Skew.Abs() > LargestSkew }

// State returns what is known of the vantage point.
func (v *Vantage) State() State {
	v.mu.Lock()
	defer v.mu.Unlock()
	state := State{Fisherman: v.Fisherman, Taken: v.taken, Duplicates: v.duplicates, Takeovers: v.takeovers, Rejected: v.rejected, Double: v.double}
	newest := int64(0)
	for _, each := range v.chains {
		if each.Heard > newest {
			newest, state.Place, state.Heard = each.Heard, each.Place, time.Unix(0, each.Heard).UTC()
		}
		state.Missing += each.Missing()
		state.Gaps += each.Gaps
		state.Lost += each.Lost
	}
	if skew, known := v.skew.value(); known {
		state.Skew = &skew
	}
	return state
}

// Network returns the network of a relay chain; empty if nothing was heard of it.
func (v *Vantage) Network(relayChain string) string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.networks[relayChain]
}
