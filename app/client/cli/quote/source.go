package quote

import (
	"context"
	"errors"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/network/shannon"
	"github.com/pocket-fisherman/fisherman/network/shannon/chain"
	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
)

// Source is which chain is read, and for whom.
type Source struct {
	// RPC are the URLs of full nodes. They may hold keys, and are shown nowhere.
	RPC []string
	// ChainID is the chain that they have to be of; empty for that of most of them.
	ChainID string
	// Application and Service whose session is read.
	Application, Service string
	// RPCType of the endpoints that are asked.
	RPCType protocol.RPCType
	// Interval between two checks, and Limits of what may be spent: what costs are computed by.
	Interval time.Duration
	Limits   shannon.Limits
}

// OfGroup returns the source of a group of the live Pocket network.
func OfGroup(group groups.Group) Source {
	of := group.Shannon
	s := Source{ChainID: of.ChainID, Application: of.Application, Service: of.Service, RPCType: protocol.RPCType_RPC_TYPE_JSON_RPC, Interval: group.Interval,
		Limits: shannon.Limits{PerSession: of.MaxUpoktPerSession, PerDay: of.MaxUpoktPerDay}}
	for _, node := range of.RPC {
		s.RPC = append(s.RPC, node.Reveal())
	}
	return s
}

// Estimate returns what sampling the session of a quote costs.
func (s *Source) Estimate(of *shannon.Quote) shannon.Estimate {
	return of.Estimate(0, s.Interval, s.Limits)
}

// Client returns a client of the nodes, which the caller closes.
func (s *Source) Client() (*chain.Client, error) {
	client, err := chain.New(chain.Config{RPC: s.RPC, ChainID: s.ChainID})
	if err != nil {
		return nil, command.Fail(command.ExitUsage, "%w", err)
	}
	return client, nil
}

// A node says that there is a block some moments before it has the state after it: commands ask again for that long.
const (
	stateTries = 20
	stateEvery = 150 * time.Millisecond
)

// Sync returns the newest height that the nodes have the state of. Errors are those of chain.Client.Sync.
func (s *Source) Sync(ctx context.Context, client *chain.Client) (int64, error) {
	height, err := client.Sync(ctx)
	for range stateTries {
		if err != nil {
			return height, err
		}
		if _, asked := client.Service(ctx, s.Service, height); !errors.Is(asked, chain.ErrNotSynced) {
			break
		}
		select {
		case <-time.After(stateEvery):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return height, err
}

// Read reads the session at the newest height.
func (s *Source) Read(ctx context.Context, client *chain.Client) (*shannon.Quote, error) {
	height, err := s.Sync(ctx, client)
	if err != nil {
		return nil, s.Failed(err)
	}
	quote, err := shannon.ReadQuote(ctx, client, s.Application, s.Service, height, s.RPCType)
	if err != nil {
		return nil, s.Failed(err)
	}
	return quote, nil
}

// Failed is the error that ends a command which cannot read the session.
func (s *Source) Failed(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	problem := shannon.ProblemOf(err)
	return command.Fail(codeOf(problem), "session of application %s for service %s: %w; %s", s.Application, s.Service, err, Remedy(problem))
}

// codeOf returns the exit code of a problem.
func codeOf(problem shannon.Problem) command.ExitCode {
	switch problem {
	case shannon.ProblemUnreachable, shannon.ProblemNotSynced, shannon.ProblemOtherChain, shannon.ProblemMalformed, shannon.ProblemRefused,
		shannon.ProblemDisputed, shannon.ProblemUnconfirmed:
		return command.ExitUnreachable
	case shannon.ProblemNotDelegated:
		return command.ExitUsage
	}
	return command.ExitNotFound
}

// Remedy returns what to do about a problem.
func Remedy(problem shannon.Problem) string {
	switch problem {
	case shannon.ProblemUnreachable:
		return "check the URL: it is that of a full node's CometBFT RPC, usually port 26657"
	case shannon.ProblemNotSynced:
		return "wait until the node is synced, or give another"
	case shannon.ProblemOtherChain:
		return "check the URLs and the chain id: all nodes have to be of one chain"
	case shannon.ProblemDisputed:
		return "one of them is wrong: give a third, of another operator"
	case shannon.ProblemUnconfirmed:
		return "two nodes have to say the same before money is spent: mend the others, or give a third"
	case shannon.ProblemMalformed:
		return "check that it is a full node of Pocket's, or give another"
	case shannon.ProblemNotStaked:
		return "stake it: pocketd tx application stake-application"
	case shannon.ProblemOtherService:
		return "give the service that it is staked for, or stake it for this one: an application has one service"
	case shannon.ProblemUnknownService:
		return "check the id: pocketd query service all-services"
	case shannon.ProblemNoSuppliers:
		return "wait for the next session if the application or a supplier was staked in this one; else nobody serves the service"
	case shannon.ProblemNotDelegated:
		return "give the application's own key, or delegate to the gateway: pocketd tx application delegate-to-gateway"
	case shannon.ProblemNoKey:
		return "send any transaction from the account, to itself for example"
	case shannon.ProblemParams:
		return "the chain is none that this program knows; see whether there is a newer version"
	}
	return "give another node, or try again"
}
