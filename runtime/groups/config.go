package groups

import (
	"net/url"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// Config is what a fisherman that samples endpoints does.
type Config struct {
	// Listen is the HOST:PORT of the API; a loopback address unless Public. Port 0 stands for any free port.
	Listen string
	// Public lets Listen be an address that other machines can connect to.
	Public bool
	// Data is the directory of the store, an absolute path if the configuration was loaded from a file.
	Data string
	// LogLevel is error, warn, info or debug.
	LogLevel string
	// LogFormat is text or json.
	LogFormat string
	// History is how long is kept what was measured.
	History configs.History
	// Groups of targets, 1 to MaximumGroups, in the file's order. Their names differ.
	Groups []Group
	// Alerts are the messages that are sent about verdicts.
	Alerts Alerts
	// Feed publishes what is stored, for collectors; nil for none. Its files are absolute paths, and its URLs opened.
	Feed *configs.Feed
}

// Kinds of chains. They decide how a target is asked who it is, and what it is asked by default.
const (
	// ChainAuto stands for any kind: it is found by asking the targets.
	ChainAuto = "auto"
	// ChainEVM is Ethereum and its kin.
	ChainEVM = "evm"
	// ChainCometBFT is CometBFT's RPC.
	ChainCometBFT = "cometbft"
	// ChainCosmos is the REST gateway of the Cosmos SDK.
	ChainCosmos = "cosmos"
	// ChainSolana is Solana.
	ChainSolana = "solana"
	// ChainCustom is anything else; it has questions of its own.
	ChainCustom = "custom"
)

// CatalogueSolana is the catalogue of Solana's JSON-RPC. The others are named in package configs.
const CatalogueSolana = "solana"

// Spread is how the checks of a session are distributed over it.
type Spread string

// Spreads.
const (
	// SpreadStratifiedJitter is one check at a secret moment of each interval.
	SpreadStratifiedJitter Spread = "stratified-jitter"
	// SpreadEven is one check at the same moment of each interval.
	SpreadEven Spread = "even"
	// SpreadUniformRandom is checks at secret moments of the whole session.
	SpreadUniformRandom Spread = "uniform-random"
)

// Group is targets, or suppliers of the live Pocket network, that are asked the same questions at the same moments, and
// compared.
type Group struct {
	// Name is 1 to 64 printable ASCII characters without spaces, quotes, backslashes and '='.
	Name string
	// Chain is the kind of the targets' chain: ChainAuto or another of the constants.
	Chain string
	// Catalogue of questions; empty for the default of the chain: evm-values for evm, otherwise the one of its name. It
	// is custom if there are Questions.
	Catalogue string
	// Depth is the number of blocks below the head at which a height counts as settled, 0 to 1 000 000; nil for the
	// catalogue's own.
	Depth *int64
	// Recent limits questions to the newest n settled heights; 0 for all.
	Recent int64
	// Head is the question for the newest height, of the custom catalogue only; nil if no question names a height.
	Head *configs.HeadQuestion
	// Questions of the custom catalogue.
	Questions []configs.Question
	// IgnoredFields are JSON pointers to what is not compared in answers, as in "/block/header/time".
	IgnoredFields []string

	// Interval between two checks on average, 100 ms to half of Session.
	Interval time.Duration
	// Session is for how long samples are judged together, whole seconds from 10 s to 24 h, of at most 10 000 checks.
	Session time.Duration
	// Spread of the checks over the session.
	Spread Spread
	// SLA is the round-trip time up to which an answer is in time, 1 ms to Timeout.
	SLA time.Duration
	// Timeout after which an answer is missing, above SLA, at most 60 s and shorter than Session.
	Timeout time.Duration
	// Rate is the most requests that a target is sent in a second, 0.01 to 1000, and at least one in each Interval.
	Rate float64

	// MaxLag is how many blocks a target may be behind the majority, 0 to 1 000 000; nil for the catalogue's own.
	MaxLag *int64
	// NullsAllowed in a session before a target is unavailable, 0 to 10 000.
	NullsAllowed int
	// DisagreementsAllowed in a session before a target is inconsistent, 0 to 10 000.
	DisagreementsAllowed int
	// LaggingAllowed is how many claims of a session may be behind by more than MaxLag before a target is behind, 0 to
	// 10 000.
	LaggingAllowed int
	// SamplesRequired for a verdict about a session, 1 to its checks.
	SamplesRequired int
	// Quorum is how many targets have to give the same answer before it counts as true, 2 to the number of targets.
	// With one target it is 2, which nothing reaches.
	Quorum int
	// SessionsRetained in the store, 1 to 10 000.
	SessionsRetained int

	// Control is the witness of the answers, and of our own link; the zero value for none.
	Control Control
	// Targets, 1 to MaximumTargets, in the file's order. Their names differ. None if the group has Shannon.
	Targets []Target
	// Shannon is whose sessions are sampled instead of Targets; nil for a group of targets. The session's length is then
	// the chain's: Session and Rate are 0, as is SamplesRequired for Allowances' default, and NullsAllowed and
	// LaggingAllowed are Share. Left out of JSON, so that sessions of targets keep their ids.
	Shannon *Shannon `json:",omitempty"`
}

// Share, as the number of nulls or lagging claims that are allowed, stands for the share of a session's checks that
// Allowances has.
const Share = -1

// Control is a target, or an endpoint that is no target. At most one of the two is set.
type Control struct {
	// Target is the name of one of the group's targets.
	Target string
	// URL of another endpoint. It may be at a loopback or private address.
	URL Secret
}

// Target is an endpoint that is sampled.
type Target struct {
	// Name has the form of a group's.
	Name string
	// URL is http or https, with a host in ASCII; it may have a user, a path and a query, and has no fragment. At most
	// 2048 bytes.
	URL Secret
	// Private lets URL lead to a loopback or private address.
	Private bool
	// Operator of the endpoint, for targets that are one operator's; empty if unknown. It has the form of a name.
	Operator string
	// Headers that are added to each request, by name in canonical form (as of net/http); at most 16.
	Headers map[string]Secret
}

// Origin returns scheme, host and port of the URL in their one spelling, as in "https://a.example": what may be shown. It
// is empty for a URL that no target may have.
func (t Target) Origin() string { return originOf(t.URL.Reveal()) }

// originOf returns what of a URL may be shown; empty if it has no origin.
func originOf(raw string) string {
	parsed, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	origin, err := types.ServiceURL(parsed.Scheme + "://" + parsed.Host)
	if err != nil {
		return ""
	}
	return origin
}

// OfTargets returns the groups that have Targets.
func OfTargets(all []Group) []Group {
	return slices.DeleteFunc(slices.Clone(all), func(g Group) bool { return g.Shannon != nil })
}

// OfSuppliers returns the groups that have Shannon.
func OfSuppliers(all []Group) []Group {
	return slices.DeleteFunc(slices.Clone(all), func(g Group) bool { return g.Shannon == nil })
}

// Checks returns how many checks a session has; 0 if its length is the chain's.
func (g Group) Checks() int {
	if g.Interval <= 0 {
		return 0
	}
	return int(g.Session / g.Interval)
}

// RelayChain returns the questions of the group, for targets of a kind of chain, as a node's configuration has them. The
// kind is Chain, or what was found by asking.
func (g Group) RelayChain(kind string) configs.RelayChain {
	catalogue := g.Catalogue
	if catalogue == "" {
		catalogue = catalogueOf(kind)
	}
	return configs.RelayChain{Catalogue: catalogue, Depth: g.Depth, Recent: g.Recent, MaxLag: g.MaxLag, Head: g.Head, Questions: g.Questions}
}

// catalogueOf is the default catalogue of a kind of chain.
func catalogueOf(kind string) string {
	if kind == ChainEVM {
		return configs.CatalogueEVMValues
	}
	return kind
}

// Bounds of a configuration.
const (
	// MaximumGroups is the maximum number of groups.
	MaximumGroups = 64
	// MaximumTargets is the maximum number of targets of a group.
	MaximumTargets = 1000
	// MaximumHeaders is the maximum number of headers of a target.
	MaximumHeaders = secret.MaximumHeaders
	// MaximumShannon is the maximum number of groups of suppliers.
	MaximumShannon = 16
	// MaximumRPC is the maximum number of full nodes of a group of suppliers.
	MaximumRPC = 8
)
