package qos

import (
	"cmp"
	"math"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// row is a servicer's part in a session or a window, with what verdict and rank need and nobody is shown.
type row struct {
	api.ServicerReport
	// scarce: fewer samples than required.
	scarce bool
	// voids are the void samples by cause.
	voids voids
	// details are those of the last null sample of each outcome, where targets are asked without anybody between.
	details map[types.Outcome]string
	// refusals are the null samples that are refusals, by code.
	refusals refusals
	// claims are the head claims.
	claims claims
	// majority is the relay chain that most members of the session say that they are of; empty when none does.
	majority string
}

// shown returns what is shown of rows.
func shown(rows []row) []api.ServicerReport {
	reports := make([]api.ServicerReport, 0, len(rows))
	for _, row := range rows {
		row.RelayErrors = row.refusals.shown()
		reports = append(reports, row.ServicerReport)
	}
	return reports
}

// estimateShares estimates availability and consistency from the counts.
func (r *row) estimateShares() {
	r.Availability = Wilson(r.Samples-r.NullSamples, r.Samples)
	agree := r.Consistency.Agree
	r.Consistency.Interval = Wilson(agree, agree+r.Consistency.Disagree)
}

// worstFirst is the order of servicers that Summarize documents. Addresses differ, so it is total.
func worstFirst(a, b row) int {
	return cmp.Or(
		cmp.Compare(severity(a.Verdict), severity(b.Verdict)),
		cmp.Compare(valueOr(a.Availability.Low, 0), valueOr(b.Availability.Low, 0)),
		cmp.Compare(valueOr(b.RoundTripTimes.P50, math.Inf(1)), valueOr(a.RoundTripTimes.P50, math.Inf(1))),
		cmp.Compare(a.Servicer, b.Servicer),
	)
}

func valueOr(value *float64, absent float64) float64 {
	if value == nil {
		return absent
	}
	return *value
}
