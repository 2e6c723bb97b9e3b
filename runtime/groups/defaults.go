package groups

import (
	"time"

	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

// Default returns the configuration of a file without keys, which has no groups and is not valid.
func Default() Config {
	return Config{Listen: "127.0.0.1:50832", Data: "fisherman-data", LogLevel: "info", LogFormat: "text",
		History: configs.DefaultHistory()}
}

// DefaultGroup returns what a group of targets is where its keys do not say otherwise. SamplesRequired, NullsAllowed and
// LaggingAllowed follow from the number of checks: see Allowances.
func DefaultGroup() Group {
	g := Group{
		Chain:            ChainAuto,
		Interval:         15 * time.Second,
		Session:          5 * time.Minute,
		Spread:           SpreadStratifiedJitter,
		SLA:              300 * time.Millisecond,
		Timeout:          5 * time.Second,
		Rate:             2,
		Quorum:           2,
		SessionsRetained: 1000,
	}
	g.NullsAllowed, g.LaggingAllowed, g.SamplesRequired = Allowances(g.Checks())
	return g
}

// Allowances returns the defaults that follow from the number of checks in a session: a tenth of them may be null, at
// least 2; a twentieth of the claims may lag; 3 samples are required, or all where there are fewer.
func Allowances(checks int) (nulls, lagging, required int) {
	return max(2, checks/10), checks / 20, min(3, checks)
}

// DefaultShannonGroup returns what a group of suppliers is where its keys do not say otherwise.
func DefaultShannonGroup() Group {
	return Group{
		Chain:            ChainAuto,
		Interval:         time.Minute,
		Spread:           SpreadStratifiedJitter,
		SLA:              500 * time.Millisecond,
		Timeout:          5 * time.Second,
		NullsAllowed:     Share,
		LaggingAllowed:   Share,
		Quorum:           3,
		SessionsRetained: 1000,
		Shannon:          new(Shannon),
	}
}
