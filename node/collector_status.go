package node

import (
	"cmp"
	"slices"
	"time"

	"github.com/pocket-fisherman/fisherman/collector"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/telemetry"
)

// collectorStatus shows a collector to the API as what it is beside its vantage points.
type collectorStatus struct{ *Collector }

// Fisherman is empty: a collector runs none.
func (collectorStatus) Fisherman() string { return "" }

// Controls are none.
func (collectorStatus) Controls() []api.Control { return []api.Control{} }

// Build is how the program was built.
func (collectorStatus) Build() api.Version { return api.Version(ThisBuild()) }

// Store is the stores of all vantage points together.
func (s collectorStatus) Store() *api.Store {
	all := &api.Store{Durable: true}
	for _, each := range s.stores {
		store := storeOf(each)
		all.Disk, all.Memory = sumHeld(all.Disk, store.Disk), sumHeld(all.Memory, store.Memory)
		all.EvictedSessions += store.EvictedSessions
		all.UnreadableSessions += store.UnreadableSessions
		all.SetAside = cmp.Or(all.SetAside, store.SetAside)
		if !store.Durable && all.Durable {
			all.Durable, all.Reason, all.Since = false, store.Reason, store.Since
		}
	}
	return all
}

func sumHeld(a, b api.Held) api.Held {
	return api.Held{Sessions: a.Sessions + b.Sessions, Rounds: a.Rounds + b.Rounds, Bytes: a.Bytes + b.Bytes}
}

// storeStats are those of the stores of all vantage points together.
func (c *Collector) storeStats() []telemetry.Store {
	all, lasting := telemetry.Store{Name: "samples"}, true
	for _, each := range c.stores {
		store := samplesStats(each, c.config.History.SessionsMaxBytes)
		all.Sessions += store.Sessions
		all.Records += store.Records
		all.Bytes += store.Bytes
		all.MaxBytes += store.MaxBytes
		all.Evicted += store.Evicted
		all.Failures += store.Failures
		lasting = lasting && *store.Durable
	}
	all.Durable = &lasting
	return []telemetry.Store{all}
}

// groups are the relay chains that servicers were measured on.
func (c *Collector) groups() []api.Group {
	shown := []api.Group{}
	for _, report := range c.rolling() {
		at := slices.IndexFunc(shown, func(g api.Group) bool { return g.Name == report.RelayChain })
		if at < 0 {
			at = len(shown)
			shown = append(shown, api.Group{Name: report.RelayChain, Network: api.NetworkEndpoints})
		}
		shown[at].Targets += len(report.Servicers)
	}
	return shown
}

// state says how the collector gets on, for the API and the metrics.
func (c *Collector) state() api.Collector {
	status := c.collector.Status()
	shown := api.Collector{Stream: status.Stream, Consumer: status.Durable, Subjects: status.Subjects, Problem: api.CollectorProblem(status.Problem.Label()),
		Why: api.Optional(status.Why), Unacknowledged: status.Unacknowledged, LagMS: milliseconds(status.Lag), Rejected: rejectedOf(status.Unattributed[:]),
		Vantages: []api.CollectorVantage{}}
	if status.Pending != nil {
		shown.Pending = new(int64(*status.Pending))
	}
	for _, vantage := range c.vantages {
		shown.Vantages = append(shown.Vantages, vantageOf(vantage.State()))
	}
	slices.SortFunc(shown.Vantages, func(a, b api.CollectorVantage) int { return cmp.Compare(a.Place, b.Place) })
	if c.verdicts != nil {
		stats := c.verdicts.Stats()
		shown.Verdicts = &api.CollectorVerdicts{Bucket: c.config.Verdicts.Bucket, Written: int64(stats.Written), Failed: int64(stats.Failed)}
	}
	return shown
}

// milliseconds returns a duration as the API writes it; nil for none.
func milliseconds(d *time.Duration) *float64 {
	if d == nil {
		return nil
	}
	return new(qos.Milliseconds(*d))
}

func rejectedOf(counts []uint64) []api.Rejected {
	shown := []api.Rejected{}
	for i, n := range counts {
		if n > 0 {
			shown = append(shown, api.Rejected{Rejection: api.Rejection(collector.Rejection(i).Label()), Messages: int64(n)})
		}
	}
	return shown
}

func vantageOf(state collector.State) api.CollectorVantage {
	shown := api.CollectorVantage{Place: state.Name, Fisherman: state.Address(), SaysPlace: api.Optional(state.Place), Taken: int64(state.Taken),
		Duplicates: int64(state.Duplicates), Takeovers: int64(state.Takeovers), Missing: int64(state.Missing), Gaps: int64(state.Gaps), Lost: int64(state.Lost),
		Rejected: rejectedOf(state.Rejected[:])}
	if !state.Heard.IsZero() {
		shown.Heard = &state.Heard
	}
	if state.Skew != nil {
		shown.SkewMS = milliseconds(new(-*state.Skew))
	}
	if state.Double != nil {
		shown.Elsewhere = &api.Elsewhere{Heard: state.Double.Heard, Refused: state.Double.Refused, At: state.Double.At.UTC()}
	}
	return shown
}
