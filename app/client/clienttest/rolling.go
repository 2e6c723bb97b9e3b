package clienttest

import (
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// Rolling has the servicers of Report by their newest checks, of which the fourth was not asked yet and the fifth is in no
// open session.
func Rolling() []api.RollingReport {
	report := api.RollingReport{RelayChain: "0001", GeoZone: "local", Checks: 30, MaxAgeSeconds: time.Hour.Seconds(), Servicers: []api.RollingServicer{}}
	for _, s := range Report().Sessions[0].Servicers {
		asked := Ptr(Noon.Add(250 * time.Millisecond))
		if s.Verdict == api.VerdictUnknown {
			asked, s.Verdict, s.Reason = nil, api.VerdictNotAskedYet, "no check has asked it within 1h"
		}
		report.Servicers = append(report.Servicers, api.RollingServicer{Servicer: s.Servicer, ServiceURL: s.ServiceURL, AskedAt: asked,
			Running: s.Servicer != strings.Repeat("e5", 20), Checks: s.Samples, Sessions: min(s.Samples, 3), Samples: s.Samples, NullSamples: s.NullSamples,
			Void: s.Void, NullSamplesAllowed: 2, SamplesRequired: 3, Availability: s.Availability, RoundTripTimes: s.RoundTripTimes, OverSLA: s.OverSLA,
			Consistency: s.Consistency, Outcomes: s.Outcomes, Verdict: s.Verdict, Reason: s.Reason, Rank: s.Rank, Freshness: s.Freshness,
			Throttled: s.Throttled, Standing: s.Standing})
	}
	return []api.RollingReport{report}
}
