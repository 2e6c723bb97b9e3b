package shannon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pocket-fisherman/fisherman/network/shannon/chain"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
)

// Quote is a session as the chain has it, and what its relays cost. Making one asks no supplier and needs no key.
type Quote struct {
	// Height that the chain was read at.
	Height  int64
	Session *protocol.Session
	// Suppliers of the session, in the chain's order.
	Suppliers []Supplier
	// Terms are what relays cost.
	Terms Terms
	// BlockTime is how long blocks take.
	BlockTime time.Duration

	keys *keys
}

// Supplier is one of a session's.
type Supplier struct {
	// Operator is the address that relays are addressed to, Owner that of who runs it.
	Operator, Owner string
	// Stake in uPOKT.
	Stake uint64
	// URL is the staked one as it is on the chain, a stranger's choice; empty without an endpoint of the kinds. RPCType is its
	// kind.
	URL     string
	RPCType protocol.RPCType
	// Key of the operator's account; nil while it has none on the chain. KeyHeight is where the chain had it.
	Key       []byte
	KeyHeight int64
}

// Asked reports whether a fisherman asks the supplier: it has an endpoint of the kind, and a key.
func (s *Supplier) Asked() bool { return s.URL != "" && s.Key != nil }

// Terms are what relays of a service cost an application, in uPOKT.
type Terms struct {
	// ComputeUnits of a relay, and its Price.
	ComputeUnits, Price uint64
	// Stake of the application, and the least that it may be.
	Stake, MinStake uint64
	// Pending is how many sessions a stake is shared out over.
	Pending uint64
	// Grace is for how many blocks after its end a session is served.
	Grace int64
}

// ReadQuote reads the session of an application and a service at a height. kinds are the endpoints that count, best first.
// Errors: those of chain.Client.Session, protocol.ErrParams.
func ReadQuote(ctx context.Context, client *chain.Client, application, service string, height int64, kinds ...protocol.RPCType) (*Quote, error) {
	found, err := client.Session(ctx, application, service, height)
	if err != nil {
		return nil, err
	}
	if len(found.GetSuppliers()) == 0 {
		return nil, errNoSuppliers
	}
	q := &Quote{Height: height, Session: found, keys: &keys{read: client.PublicKey}}
	if q.Terms, err = readTerms(ctx, client, found.GetApplication(), service, height); err != nil {
		return nil, err
	}
	q.BlockTime = blockTime(ctx, client, found.GetHeader())
	q.keys.readAll(ctx, found.GetSuppliers(), height)
	for _, supplier := range found.GetSuppliers() {
		read, err := q.supplier(ctx, supplier, service, kinds)
		if err != nil {
			return nil, err
		}
		q.Suppliers = append(q.Suppliers, read)
	}
	return q, nil
}

func (q *Quote) supplier(ctx context.Context, of *protocol.Supplier, service string, kinds []protocol.RPCType) (Supplier, error) {
	stake, _ := amountOf(of.GetStake())
	read := Supplier{Operator: of.GetOperatorAddress(), Owner: ownerOf(of), Stake: stake}
	if endpoint := endpointOf(of, service, kinds); endpoint != nil {
		read.URL, read.RPCType = endpoint.GetUrl(), endpoint.GetRpcType()
	}
	key, err := q.keys.of(ctx, read.Operator, q.Height)
	if err != nil && !errors.Is(err, chain.ErrNoKey) {
		return Supplier{}, fmt.Errorf("key of supplier %s: %w", read.Operator, err)
	}
	read.Key, read.KeyHeight = key.key, key.height
	return read, nil
}

// Signer returns the signer of a key for the session. Errors: protocol.ErrNotInRing, protocol.ErrRing, and those of reading
// the ring's keys.
func (q *Quote) Signer(ctx context.Context, key *protocol.PrivateKey) (*protocol.Signer, error) {
	return signerOf(ctx, q.keys, key, q.Session, q.Height)
}

// Asked returns how many suppliers a fisherman asks.
func (q *Quote) Asked() (n int) {
	for i := range q.Suppliers {
		if q.Suppliers[i].Asked() {
			n++
		}
	}
	return n
}

// Length returns how long the session takes.
func (q *Quote) Length() time.Duration {
	return time.Duration(q.blocks()) * min(q.BlockTime, dayLength)
}

func (q *Quote) blocks() int64 {
	header := q.Session.GetHeader()
	return header.GetSessionEndBlockHeight() - header.GetSessionStartBlockHeight() + 1
}

// Estimate returns what sampling such sessions costs, with a number of checks each, or if that is 0 one an interval.
func (q *Quote) Estimate(checks int, interval time.Duration, limits Limits) Estimate {
	g := Group{Checks: checks, Interval: interval}
	g.setDefaults()
	return EstimateOf(q.Terms.Price, q.Asked(), g.checksOf(q.blocks(), q.BlockTime), q.Length(), limits)
}

// Allowance returns what a supplier serves of a session until the application's stake does not pay for more, as poktroll's
// RelayMiner computes it; in uPOKT.
func (q *Quote) Allowance() uint64 {
	return q.Terms.allowance(len(q.Suppliers))
}

func (t Terms) allowance(suppliers int) uint64 {
	return t.Stake / uint64(max(suppliers, 1)) / (t.Pending + 1)
}

// StakeLow reports whether an application comes near its least stake within days of spending perDay.
func (t Terms) StakeLow(perDay uint64) bool { return isLow(t.Stake, t.MinStake, perDay) }

// readTerms reads what relays of a service cost an application.
func readTerms(ctx context.Context, client *chain.Client, application *protocol.Application, service string, height int64) (Terms, error) {
	params, err := client.Params(ctx, height)
	if err != nil {
		return Terms{}, err
	}
	of, err := client.Service(ctx, service, height)
	if err != nil {
		return Terms{}, err
	}
	terms := Terms{ComputeUnits: of.GetComputeUnitsPerRelay()}
	if terms.Price, err = protocol.RelayPrice(terms.ComputeUnits, params.Shared, params.Tokenomics); err != nil {
		return Terms{}, err
	}
	grid, err := protocol.GridOf(params.Shared)
	if err != nil {
		return Terms{}, err
	}
	terms.Pending, terms.Grace = uint64(grid.PendingSessions()), grid.GraceEnd(0)
	if terms.Stake, err = amountOf(application.GetStake()); err != nil {
		return Terms{}, fmt.Errorf("%w: the application's stake", chain.ErrMalformed)
	}
	if terms.MinStake, err = amountOf(params.Application.GetMinStake()); err != nil {
		return Terms{}, fmt.Errorf("%w: the least stake of applications", chain.ErrMalformed)
	}
	return terms, nil
}
