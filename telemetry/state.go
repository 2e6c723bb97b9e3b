package telemetry

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// stateCollector reads the state of the chain and of the stores at each scrape.
type stateCollector struct {
	sources Sources

	build, height, headTime, catchingUp, peers                         *prometheus.Desc
	sessions, records, bytes, maxBytes, evicted, storeFailure, durable *prometheus.Desc
	volume, control, spent, budget                                     *prometheus.Desc
}

func newStateCollector(sources Sources) *stateCollector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &stateCollector{
		sources:      sources,
		build:        describe("pocket_build_info", "Always 1; the labels say how the program was built.", "version", "revision", "modified", "go_version"),
		height:       describe("pocket_chain_height", "Height of the newest committed block."),
		headTime:     describe("pocket_chain_head_timestamp_seconds", "Time of the newest committed block, as the validators agreed on it, since the Unix epoch."),
		catchingUp:   describe("pocket_chain_catching_up", "1 while the newest block was replayed or fetched late rather than witnessed, else 0."),
		peers:        describe("pocket_chain_peers", "Nodes of the chain that this one is connected to."),
		sessions:     describe("pocket_store_sessions", "Sessions in the store.", "store"),
		records:      describe("pocket_store_records", "Rounds (store samples) or relays (store relays) in the store.", "store"),
		bytes:        describe("pocket_store_bytes", "Bytes that the store's records take, keys included.", "store"),
		maxBytes:     describe("pocket_store_max_bytes", "Cap on the bytes of the store's records; the oldest sessions are evicted to stay below it.", "store"),
		evicted:      describe("pocket_store_evicted_sessions_total", "Sessions that were removed because of the store's caps; absent while the store is not durable.", "store"),
		storeFailure: describe("pocket_store_failures_total", "How often the disk failed the store; absent while the store is not durable.", "store"),
		durable:      describe("pocket_store_durable", "1 while what is stored survives a crash, 0 while it is held in memory because the disk fails.", "store"),
		volume:       describe("pocket_servicer_volume_relays_total", "Volume-applicable relays by what became of them: stored, dropped (queue full) or failed (refused by the store).", "servicer", "result"),
		control:      describe("pocket_fisherman_control_fit", "1 for the fitness that the control probe of a relay chain has, 0 for the others; only one that is FIT is heard.", "relay_chain", "fitness"),
		spent:        describe("pocket_fisherman_spent_upokt_total", "What relays have cost the application of a relay chain since the process began, in uPOKT; what was paid for requests that were not sent is made up for by the next ones.", "relay_chain"),
		budget:       describe("pocket_fisherman_budget_left_upokt", "What is left of the budget of a relay chain for the newest session and for the day, in uPOKT; absent without such a limit.", "relay_chain", "period"),
	}
}

// Describe implements prometheus.Collector.
func (c *stateCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.build
	if c.sources.Head != nil {
		descs <- c.height
		descs <- c.headTime
		descs <- c.catchingUp
	}
	if c.sources.Peers != nil {
		descs <- c.peers
	}
	if c.sources.Stores != nil {
		for _, desc := range []*prometheus.Desc{c.sessions, c.records, c.bytes, c.maxBytes, c.evicted, c.storeFailure, c.durable} {
			descs <- desc
		}
	}
	if c.sources.Volume != nil {
		descs <- c.volume
	}
	if c.sources.Controls != nil {
		descs <- c.control
	}
	if c.sources.Budgets != nil {
		descs <- c.spent
		descs <- c.budget
	}
}

// Collect implements prometheus.Collector.
func (c *stateCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	counted := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value, labels...)
	}
	build := c.sources.Build
	gauge(c.build, 1, build.Version, build.Revision, strconv.FormatBool(build.Modified), build.Go)
	c.collectChain(gauge)
	if c.sources.Stores != nil {
		for _, store := range c.sources.Stores() {
			gauge(c.sessions, float64(store.Sessions), store.Name)
			gauge(c.records, float64(store.Records), store.Name)
			gauge(c.bytes, float64(store.Bytes), store.Name)
			gauge(c.maxBytes, float64(store.MaxBytes), store.Name)
			if store.Durable != nil {
				gauge(c.durable, oneIf(*store.Durable), store.Name)
			}
			// A counter that comes back after it was not known must not look as if it had begun at 0.
			if store.Durable == nil || *store.Durable {
				counted(c.evicted, float64(store.Evicted), store.Name)
				counted(c.storeFailure, float64(store.Failures), store.Name)
			}
		}
	}
	if c.sources.Volume != nil {
		for _, volume := range c.sources.Volume() {
			counted(c.volume, float64(volume.Stored), volume.Servicer, "stored")
			counted(c.volume, float64(volume.Dropped), volume.Servicer, "dropped")
			counted(c.volume, float64(volume.Failed), volume.Servicer, "failed")
		}
	}
	c.collectControls(gauge)
	c.collectBudgets(gauge, counted)
}

// series adds one to what a scrape shows.
type series func(desc *prometheus.Desc, value float64, labels ...string)

// names returns what checks the name of a relay chain.
func (c *stateCollector) names() func(string) error {
	if c.sources.Name != nil {
		return c.sources.Name
	}
	return types.ValidateRelayChain
}

// collectBudgets shows what was spent, and what is left where there is a limit.
func (c *stateCollector) collectBudgets(gauge, counted series) {
	if c.sources.Budgets == nil {
		return
	}
	shown, valid := 0, c.names()
	for _, budget := range c.sources.Budgets() {
		if shown == mostRelayChains || valid(budget.RelayChain) != nil {
			continue
		}
		shown++
		counted(c.spent, float64(budget.Spent), budget.RelayChain)
		if budget.SessionLeft != nil {
			gauge(c.budget, float64(*budget.SessionLeft), budget.RelayChain, "session")
		}
		if budget.DayLeft != nil {
			gauge(c.budget, float64(*budget.DayLeft), budget.RelayChain, "day")
		}
	}
}

// collectControls has a series for each fitness, so that an alert sees that one is over.
func (c *stateCollector) collectControls(gauge series) {
	if c.sources.Controls == nil {
		return
	}
	shown, valid := 0, c.names()
	for _, control := range c.sources.Controls() {
		if shown == mostRelayChains || valid(control.RelayChain) != nil {
			continue
		}
		shown++
		for fitness := types.ControlFitness_CONTROL_FITNESS_FIT; types.ControlFitness_name[int32(fitness)] != ""; fitness++ {
			gauge(c.control, oneIf(fitness == control.Fitness), control.RelayChain, fitness.Label())
		}
	}
}

// collectChain tells nothing of a block that is not there: height 0 at the Unix epoch would be a false alarm.
func (c *stateCollector) collectChain(gauge series) {
	if c.sources.Head != nil {
		if head, known := c.sources.Head(); known {
			gauge(c.height, float64(head.Height))
			gauge(c.headTime, float64(head.Time.UnixMilli())/1000)
			gauge(c.catchingUp, oneIf(head.CatchingUp))
		}
	}
	if c.sources.Peers != nil {
		gauge(c.peers, float64(c.sources.Peers()))
	}
}

func oneIf(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}
