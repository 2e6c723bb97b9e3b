package localnet

import (
	"cmp"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

// MaxServicers is the largest number of servicers of a LocalNet.
const MaxServicers = 256

// Flag is an option's name on the command line, without dashes.
type Flag string

// Flags of the options that a home records.
const (
	FlagServicers        Flag = "servicers"
	FlagSlow             Flag = "slow"
	FlagDown             Flag = "down"
	FlagLying            Flag = "lying"
	FlagBehind           Flag = "behind"
	FlagDelay            Flag = "delay"
	FlagBlockTime        Flag = "block-time"
	FlagBlocksPerSession Flag = "blocks-per-session"
	FlagChecksPerSession Flag = "checks-per-session"
	FlagSeed             Flag = "seed"
	// FlagServicersPerSession sets the servicers in each session; 0 means all.
	FlagServicersPerSession Flag = "servicers-per-session"
	FlagRPCListen           Flag = "rpc-listen"
	FlagEthereum            Flag = "ethereum"
)

// Flags is a set of flags; nil is the empty set.
type Flags map[Flag]bool

// Options configure a LocalNet. Start from DefaultOptions.
type Options struct {
	// Servicers is the number of servicers, faulty ones included: 1 to MaxServicers.
	Servicers int
	// Slow, Down, Lying and Behind are the numbers of servicers with that fault: each 0 to Servicers, see Fit.
	Slow, Down, Lying, Behind int
	// Delay is added to every round trip with a slow servicer: 1ms to 60s.
	Delay time.Duration
	// BlockTime is the pause between blocks: 50ms to 10m.
	BlockTime time.Duration
	// BlocksPerSession: 2 to 10000.
	BlocksPerSession int64
	// ChecksPerSession is the number of checks in each session: 1 to 10000.
	ChecksPerSession uint32
	// ServicersPerSession is the maximum number of servicers in a session: 2 to MaxServicers, or 0 for all. With fewer
	// than all, the next in rank replaces one that leaves.
	ServicersPerSession uint32
	// Seed of all keys; part of the chain's id.
	Seed uint64
	// Ethereum adds relay chain 0021, served by a geth in developer mode.
	Ethereum bool
	// Geth is the program that serves it; if empty, geth beside this program or on PATH. It is not recorded.
	Geth string
	// REST selects GET requests, CometBFT's own REST form, instead of JSON-RPC for relay chain 0001. It is not
	// recorded.
	REST bool
	// Home is the directory of the network; empty for a temporary one that is removed at the end.
	Home string
	// RPCListen is where the node's HTTP API is served: a loopback host:port. Port 0 means any free port.
	RPCListen string
	// Feed is where the fisherman publishes what it stores (docs/feed.md); nil for nowhere. It is not recorded.
	Feed *configs.Feed
	// Processes makes every actor a process of its own; if nil, all run in this one.
	Processes *Processes
	// Logger receives the log; nil for none.
	Logger *slog.Logger
	// Explicit are the options that the user set. They are kept or refused; the others are adapted to the number of
	// servicers (see Fit) and to what the home records.
	Explicit Flags
}

// DefaultOptions returns a network of six servicers, of which one is slow, one is down and one is lying.
func DefaultOptions() Options {
	return Options{
		Servicers:        6,
		Slow:             1,
		Down:             1,
		Lying:            1,
		Delay:            400 * time.Millisecond,
		BlockTime:        time.Second,
		BlocksPerSession: 10,
		ChecksPerSession: 10,
		Seed:             1,
		RPCListen:        "127.0.0.1:50832",
	}
}

// Validate reports the first option that is outside its range, by flag, value and range. The error is ErrBadOption.
func (o Options) Validate() error {
	return cmp.Or(
		inRange(FlagServicers, o.Servicers, 1, MaxServicers),
		inRange(FlagSlow, o.Slow, 0, o.Servicers),
		inRange(FlagDown, o.Down, 0, o.Servicers),
		inRange(FlagLying, o.Lying, 0, o.Servicers),
		inRange(FlagBehind, o.Behind, 0, o.Servicers),
		inRange(FlagDelay, o.Delay, time.Millisecond, time.Minute),
		inRange(FlagBlockTime, o.BlockTime, 50*time.Millisecond, 10*time.Minute),
		inRange(FlagBlocksPerSession, o.BlocksPerSession, 2, 10_000),
		inRange(FlagChecksPerSession, o.ChecksPerSession, 1, 10_000),
		o.servicersInSession(),
		loopback(FlagRPCListen, o.RPCListen),
		o.oneProcess(),
	)
}

// servicersInSession checks that a session can reach the quorum of two that comparing answers needs.
func (o Options) servicersInSession() error {
	if o.ServicersPerSession == 0 {
		return nil
	}
	return inRange(FlagServicersPerSession, o.ServicersPerSession, 2, MaxServicers)
}

// oneProcess refuses the Ethereum chain if actors run in processes: their nodes know only their own chain.
func (o Options) oneProcess() error {
	if o.Ethereum && o.Processes != nil {
		return fmt.Errorf("%w: --%s is set together with --processes; allowed is one of them", ErrBadOption, FlagEthereum)
	}
	return nil
}

// Fit validates the options and fits the faults to the number of servicers: counts that were not set explicitly are
// reduced until at least one servicer is honest (first Down, then Slow, then Behind, then Lying). Explicit counts are kept, even if
// they leave no servicer honest; if their sum exceeds the servicers, the error is ErrBadOption.
func (o Options) Fit() (Options, error) {
	if err := o.Validate(); err != nil {
		return Options{}, err
	}
	faults := []struct {
		flag  Flag
		count *int
	}{{FlagLying, &o.Lying}, {FlagBehind, &o.Behind}, {FlagSlow, &o.Slow}, {FlagDown, &o.Down}}
	named, fixed := "", 0
	for _, f := range faults {
		if o.Explicit[f.flag] {
			named += fmt.Sprintf("--%s %d ", f.flag, *f.count)
			fixed += *f.count
		}
	}
	if fixed > o.Servicers {
		return Options{}, fmt.Errorf("%w: %stogether name %d servicers; allowed are 0 to %d (--%s)",
			ErrBadOption, named, fixed, o.Servicers, FlagServicers)
	}
	faulty := max(o.Servicers-fixed-1, 0)
	for _, f := range faults {
		if !o.Explicit[f.flag] {
			*f.count = min(*f.count, faulty)
			faulty -= *f.count
		}
	}
	return o, nil
}

// fault returns the fault of the servicer with the given index: the honest come first, then those that are behind, slow,
// down and lying. The options are fitted.
func (o Options) fault(index int) Fault {
	switch fromEnd := o.Servicers - index; {
	case fromEnd <= o.Lying:
		return FaultLying
	case fromEnd <= o.Lying+o.Down:
		return FaultDown
	case fromEnd <= o.Lying+o.Down+o.Slow:
		return FaultSlow
	case fromEnd <= o.Lying+o.Down+o.Slow+o.Behind:
		return FaultBehind
	default:
		return FaultNone
	}
}

// RelayChains returns the relay chains that all actors are staked for.
func (o Options) RelayChains() []string {
	if o.Ethereum {
		return []string{RelayChain, EthereumChain}
	}
	return []string{RelayChain}
}

// asked returns the questions' catalogues of the relay chains.
func (o Options) asked() map[string]configs.RelayChain {
	chains := configs.DefaultRelayChains()
	if o.REST {
		chains[RelayChain] = configs.RelayChain{Catalogue: configs.CatalogueCometBFTURI}
	}
	depth := int64(ethereumDepth)
	chains[EthereumChain] = configs.RelayChain{Catalogue: configs.CatalogueEVM, Depth: &depth}
	return chains
}

func inRange[T cmp.Ordered](flag Flag, value, low, high T) error {
	if value < low || value > high {
		return fmt.Errorf("%w: --%s is %v; allowed are %v to %v", ErrBadOption, flag, value, low, high)
	}
	return nil
}

func loopback(flag Flag, address string) error {
	if !isLoopback(address) {
		return fmt.Errorf("%w: --%s is %q; allowed are host:port with a loopback host (as in 127.0.0.1) and a port from "+
			"0 to 65535", ErrBadOption, flag, address)
	}
	return nil
}

// isLoopback reports whether address is host:port with a loopback host and a numeric port.
func isLoopback(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return false
	}
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
