package clienttest

import (
	"strings"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Addresses of the live Pocket network.
const (
	application = "pokt1mrqt5f7qh8uxs27cjm9t7v9e74a9vvdnq5jva4"
	owner       = "pokt184tvmh2kz8g6ykvtmjcd3v5tfxzv0mpx3jrrd3"
	keyless     = "pokt1v0qyc2jn2n4u3zpl92n4r9n6fa3u8w7n9m5sk6"
	supplier    = "pokt19a3t4yunp0dlpfjrp7qwnzwlrzd5fzs2gjaaaa"
)

// SuppliersStatus is that of a fisherman of the live Pocket network, and of a list of endpoints beside it.
func SuppliersStatus() api.Status {
	return api.Status{Network: api.NetworkShannon, Version: "v1", Controls: []api.Control{},
		Groups: []api.Group{
			{Name: "eth-on-pocket", Chain: Ptr("evm"), Catalogue: Ptr("evm-values"), Targets: 2, Network: api.NetworkShannon,
				Application: Ptr(application), Service: Ptr("eth"), Budget: &api.Budget{MaxUPOKTPerSession: Ptr("500000"), MaxUPOKTPerDay: Ptr("20000000"),
					SpentSessionUPOKT: "499200", SpentDayUPOKT: "7000000", LeftSessionUPOKT: Ptr("800"), LeftDayUPOKT: Ptr("13000000"), CostPerCheckUPOKT: Ptr("1100")}},
			{Name: "ethereum", Targets: 4, Network: api.NetworkEndpoints},
		}}
}

// Suppliers has a running session of the live Pocket network: a supplier that is well, and one without a key on the chain. The
// budget was used up in it.
func Suppliers() api.Report {
	well := api.NewServicerReport(supplier, "https://relayminer.example/v1")
	well.Samples, well.Availability, well.Rank, well.Owner, well.StakeUPOKT = 8, qos.Wilson(8, 8), Ptr(1), Ptr(owner), Ptr("60005000000")
	well.Consistency = api.Consistency{Agree: 8, Interval: qos.Wilson(8, 8)}
	well.Outcomes, well.Verdict, well.Reason = api.Outcomes{"OK": 8}, api.VerdictHealthy, "answered 8 of 8 checks, agreed with the majority in 8 of 8"
	without := api.NewServicerReport(keyless, "https://keyless.example")
	without.Standing, without.Verdict, without.Reason = api.StandingUnverifiable, api.VerdictUnknown, "unverifiable: its account has no public key on the chain"
	without.Owner = Ptr(Hostile)
	return api.Report{Rolling: []api.RollingReport{}, Sessions: []api.SessionReport{{ID: strings.Repeat("5a", 32), Height: 541261, RelayChain: "eth-on-pocket", Application: application,
		Blocks: 20, ChecksPlanned: 20, ChecksDone: 8, ChecksDropped: 4, Catalogue: Ptr("evm-values"), MaxSkewMicros: Ptr[int64](143),
		Reasons: []api.Reason{{Status: "dropped", Checks: 4, Cause: api.CauseBudget,
			Text: "the budget is used up: the check would cost 1100 uPOKT, 800 of 500000 are left for the session"}},
		Servicers: []api.ServicerReport{without, well}}}}
}

// SuppliersWindow has the session of Suppliers as a window.
func SuppliersWindow() api.WindowsReport {
	session := Suppliers().Sessions[0]
	window := api.WindowReport{RelayChain: session.RelayChain, Applications: []string{session.Application}, Sessions: 3, FirstHeight: Ptr(session.Height),
		LastHeight: Ptr(session.Height + 59), From: Ptr(Noon), To: Ptr(Noon), ChecksPlanned: 60, ChecksDone: 24, ChecksDropped: 12}
	for _, s := range session.Servicers {
		window.Servicers = append(window.Servicers, api.WindowServicer{Address: s.Servicer, Servicer: s.Servicer, ServiceURL: s.ServiceURL, Sessions: 3,
			Verdicts: map[api.Verdict]int{s.Verdict: 3}, Samples: s.Samples, Availability: s.Availability, Consistency: s.Consistency, Outcomes: s.Outcomes,
			Verdict: s.Verdict, Reason: s.Reason, Rank: s.Rank, Standing: s.Standing, Owner: s.Owner, StakeUPOKT: s.StakeUPOKT})
	}
	return api.WindowsReport{Window: "3", RelativeError: qos.RelativeError, Windows: []api.WindowReport{window}}
}
