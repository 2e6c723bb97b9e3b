package telemetry

import (
	"context"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Sources are what is read at a scrape. Each function may be called by several goroutines at once, returns soon, and is
// nil where the node has no such part.
type Sources struct {
	// Build is how the program was built.
	Build Build
	// Name checks what the fisherman's network calls its relay chains, servicers and applications, which become labels; nil
	// stands for the forms of our own chain.
	Name func(string) error
	// Head is the newest block; false before the first.
	Head func() (types.Head, bool)
	// Peers counts the nodes that this one is connected to.
	Peers func() int
	// Stores tells of the node's stores of its own, each once.
	Stores func() []Store
	// Volume tells what became of the volume-applicable relays of the node's servicers.
	Volume func() []Volume
	// Sessions are those that the fisherman samples now, as its reports show them. Servicers may be left out of the
	// sessions behind the first that have the given number of them.
	Sessions func(ctx context.Context, servicers int) ([]samples.Running, error)
	// Rolling are the verdicts over the servicers' newest checks.
	Rolling func() []api.RollingReport
	// Controls are the fisherman's control probes; no two are of one relay chain.
	Controls func() []Control
	// Budgets are those of the groups whose questions cost money; no two are of one relay chain.
	Budgets func() []Budget
	// Alerts tells of the messages about verdicts.
	Alerts func() Alerts
	// Collector says how a collector gets on, Vantages how its vantage points are; both or none.
	Collector func() api.Collector
	Vantages  func() []api.Vantage
	// Feed tells how publishing for collectors goes.
	Feed func() Feed
}

// Build is how the program was built; what is not known is "".
type Build struct {
	Version, Revision, Go string
	// Modified: the source was not as committed.
	Modified bool
}

// Store is the state of one local store.
type Store struct {
	// Name of the store: "samples" or "relays".
	Name string
	// Sessions and Records that are stored, and the Bytes that the records take.
	Sessions, Records int
	Bytes             int64
	// MaxBytes is the cap on Bytes.
	MaxBytes int64
	// Evicted counts sessions removed by the caps, Failures how often the disk failed.
	Evicted, Failures int64
	// Durable: what is stored survives a crash. nil where the store does not tell.
	Durable *bool
}

// Control is what is known of the control probe of a relay chain.
type Control struct {
	RelayChain string
	Fitness    types.ControlFitness
}

// Budget is what was spent on a relay chain, and what is left.
type Budget struct {
	RelayChain string
	// Spent since the process began, in uPOKT; it never falls.
	Spent uint64
	// SessionLeft and DayLeft are what is left of the limits, in uPOKT; nil without one.
	SessionLeft, DayLeft *uint64
}

// Volume is what became of the volume-applicable relays of one servicer of the node.
type Volume struct {
	// Servicer is its address.
	Servicer                string
	Stored, Dropped, Failed uint64
}
