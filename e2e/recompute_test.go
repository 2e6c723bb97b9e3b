package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"testing"
	"time"
)

// The types below are written from docs/qos.md, not from the program's own types: nothing that is not in the document
// is used.
type (
	reportedSession struct {
		ID            string        `json:"id"`
		ChecksPlanned int           `json:"checks_planned"`
		ChecksDone    int           `json:"checks_done"`
		ChecksDropped int           `json:"checks_dropped"`
		ChecksVoid    int           `json:"checks_void"`
		MaxSkew       *int64        `json:"max_skew_us"`
		Complete      bool          `json:"complete"`
		Servicers     []reportedRow `json:"servicers"`

		MaxLag               int64 `json:"max_lag"`
		LaggingAllowed       int   `json:"lagging_allowed"`
		DisagreementsAllowed int   `json:"disagreements_allowed"`
	}
	reportedRow struct {
		Address      string         `json:"address"`
		ServiceURL   string         `json:"service_url"`
		Samples      int            `json:"samples"`
		Nulls        int            `json:"null_samples"`
		NullIndices  []int          `json:"null_indices"`
		Void         int            `json:"void"`
		Availability reportedShare  `json:"availability"`
		RTT          reportedTimes  `json:"rtt_ms"`
		OverSLA      int            `json:"over_sla"`
		Consistency  reportedVotes  `json:"consistency"`
		Outcomes     map[string]int `json:"outcomes"`
		Verdict      string         `json:"verdict"`
		Rank         *int           `json:"rank"`
		Freshness    reportedLag    `json:"freshness"`

		doubtful   int
		warm, cold []float64
		lags       []int64
	}
	reportedLag struct {
		Claims int      `json:"claims"`
		Behind int      `json:"behind"`
		Max    *int64   `json:"lag_blocks_max"`
		Median *int64   `json:"lag_blocks_median"`
		MaxMS  *float64 `json:"lag_ms_max"`
	}
	reportedShare struct {
		Value, Low, High *float64
	}
	reportedTimes struct {
		P10, P25, P50, P75, P90, P99 *float64
		Connections                  *string
		Samples                      int
	}
	reportedVotes struct {
		Agree, Disagree, Undecidable int
		reportedShare
	}
	reportedRound struct {
		Index   int
		Status  string
		Kind    string
		Skew    *int64 `json:"skew_us"`
		Samples []reportedSample
	}
	reportedSample struct {
		Servicer    string
		ServiceURL  string `json:"service_url"`
		Origin      int
		Operator    string
		Outcome     string
		Blame       *string
		Consistency *string
		RTT         *float64 `json:"rtt_ms"`
		Reused      bool
		Large       bool
		Digest      *string `json:"answer_digest"`
		Lag         *int64
		LagMS       *float64 `json:"lag_ms"`
	}
	// thresholds are parameters of params.qos.
	thresholds struct {
		NullSamplesAllowed int    `json:"null_samples_allowed"`
		SamplesRequired    int    `json:"samples_required"`
		Quorum             int    `json:"consistency_quorum"`
		SLA                string `json:"latency_sla"`
	}
)

// TestReportsCanBeRecomputed recomputes every number of a LocalNet's reports from their checks, by docs/qos.md alone.
func TestReportsCanBeRecomputed(t *testing.T) {
	takePlace(t)
	network, err := startNetwork(options(3, 1, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := network.stop(); err != nil {
			t.Error(err)
		}
	})
	ask := func(ctx context.Context, path string, into any) error {
		return askJSON(ctx, network.RPCURL()+path, into)
	}
	var report struct{ Sessions []reportedSession }
	err = network.await("a session is complete", func(ctx context.Context) (bool, error) {
		err := ask(ctx, "/v1/qos", &report) // refused before the first block
		return err == nil && slices.ContainsFunc(report.Sessions, func(s reportedSession) bool { return s.Complete }), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var parameters struct {
		Params struct{ QoS thresholds }
	}
	if err := ask(t.Context(), "/v1/params", &parameters); err != nil {
		t.Fatal(err)
	}
	for _, session := range report.Sessions {
		if !session.Complete {
			continue
		}
		var page struct {
			Next   *int
			Rounds []reportedRound
		}
		if err := ask(t.Context(), "/v1/qos/rounds?session="+url.QueryEscape(session.ID), &page); err != nil || page.Next != nil {
			t.Fatalf("checks of %s: next %v, %v", session.ID, page.Next, err)
		}
		recomputed := recompute(t, session, page.Rounds, parameters.Params.QoS)
		if !reflect.DeepEqual(recomputed, session) {
			t.Errorf("the report is\n%s\nrecomputed it is\n%s", indented(session), indented(recomputed))
		}
	}
}

func askJSON(ctx context.Context, address string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", address, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}

func indented(value any) string {
	text, _ := json.MarshalIndent(value, "", "  ")
	return string(text)
}

// recompute computes a session's report again. From the given report it uses only id, plan, members, and what a session
// has its own value of: the lag and how much of it and of disagreement is allowed.
func recompute(t *testing.T, session reportedSession, rounds []reportedRound, limits thresholds) reportedSession {
	again := reportedSession{ID: session.ID, ChecksPlanned: session.ChecksPlanned, Complete: session.Complete,
		MaxLag: session.MaxLag, LaggingAllowed: session.LaggingAllowed, DisagreementsAllowed: session.DisagreementsAllowed}
	rows := make(map[string]*reportedRow)
	for _, row := range session.Servicers {
		rows[row.Address] = &reportedRow{Address: row.Address, ServiceURL: row.ServiceURL, NullIndices: []int{}, Outcomes: map[string]int{}}
	}
	for _, round := range rounds {
		switch round.Status {
		case "DONE":
			again.ChecksDone++
			checkVotes(t, round, limits.Quorum)
		case "VOID":
			again.ChecksVoid++
		}
		if round.Skew != nil && (again.MaxSkew == nil || *round.Skew > *again.MaxSkew) {
			again.MaxSkew = round.Skew
		}
		for _, sample := range round.Samples {
			rows[sample.Servicer].count(round, sample, sla(t, limits))
		}
	}
	again.ChecksDropped = again.ChecksPlanned - again.ChecksDone - again.ChecksVoid
	for _, row := range rows {
		row.freshness(session.MaxLag)
		row.judge(limits, session, sla(t, limits))
		again.Servicers = append(again.Servicers, *row)
	}
	slices.SortFunc(again.Servicers, worse)
	for i := range again.Servicers {
		again.Servicers[i].setRank(again.Servicers, limits)
	}
	for i := range again.Servicers { // only the recomputation has it
		row := &again.Servicers[i]
		row.doubtful, row.warm, row.cold, row.lags = 0, nil, nil, nil
	}
	return again
}

func sla(t *testing.T, limits thresholds) float64 {
	limit, err := time.ParseDuration(limits.SLA)
	if err != nil {
		t.Fatal(err)
	}
	return float64(limit) / float64(time.Millisecond)
}

// checkVotes determines the majority of a check again, and compares the recorded consistency with it.
func checkVotes(t *testing.T, round reportedRound, quorum int) {
	if round.Kind != "SETTLED" { // nothing is compared
		for _, sample := range round.Samples {
			if sample.Consistency != nil {
				t.Errorf("check %d, which asks about the head: %s is %s", round.Index, sample.Servicer, *sample.Consistency)
			}
		}
		return
	}
	answers, operators := make(map[int]map[string]bool), make(map[int]map[string]bool)
	for _, sample := range round.Samples {
		note(operators, sample.Origin, sample.Operator)
		if sample.Outcome == "OK" {
			note(answers, sample.Origin, *sample.Digest)
		}
	}
	voters := make(map[string]map[string]bool) // what each says
	for origin, digests := range answers {
		voter := fmt.Sprint("origin ", origin)
		for operator := range operators[origin] {
			if len(operators[origin]) == 1 && operator != "" {
				voter = "operator " + operator
			}
		}
		for digest := range digests {
			if len(digests) == 1 {
				note(voters, voter, digest)
			}
		}
	}
	leads := func(digest string) bool {
		pro, con := 0, 0
		for _, said := range voters {
			if said[digest] {
				pro++
			}
			if !said[digest] || len(said) > 1 {
				con++
			}
		}
		return pro > con
	}
	for _, sample := range round.Samples {
		if sample.Outcome != "OK" {
			continue
		}
		want := "UNDECIDABLE"
		for _, said := range voters {
			for digest := range said {
				if len(voters) >= quorum && leads(digest) {
					want = map[bool]string{true: "AGREE", false: "DISAGREE"}[digest == *sample.Digest]
				}
			}
		}
		if sample.Consistency == nil || *sample.Consistency != want {
			t.Errorf("check %d: %s is %v, want %s", round.Index, sample.Servicer, sample.Consistency, want)
		}
	}
}

// note adds a text to those under a key.
func note[K comparable](noted map[K]map[string]bool, key K, text string) {
	if noted[key] == nil {
		noted[key] = make(map[string]bool)
	}
	noted[key][text] = true
}

func (r *reportedRow) count(round reportedRound, sample reportedSample, sla float64) {
	if round.Status == "VOID" || sample.Outcome == "VOID" {
		r.Void++
		r.Outcomes["VOID"]++
		if round.Status == "DONE" && sample.Blame != nil && *sample.Blame == "UNKNOWN" {
			r.doubtful++
		}
		return
	}
	r.Samples++
	r.Outcomes[sample.Outcome]++
	if sample.Lag != nil && round.Kind != "SETTLED" {
		r.lags = append(r.lags, *sample.Lag)
		if sample.LagMS != nil && (r.Freshness.MaxMS == nil || *sample.LagMS > *r.Freshness.MaxMS) {
			r.Freshness.MaxMS = sample.LagMS
		}
	}
	if sample.Outcome != "OK" {
		r.Nulls++
		r.NullIndices = append(r.NullIndices, round.Index)
		return
	}
	if !sample.Large && *sample.RTT > sla {
		r.OverSLA++
	}
	switch {
	case sample.Large:
	case sample.Reused:
		r.warm = append(r.warm, *sample.RTT)
	default:
		r.cold = append(r.cold, *sample.RTT)
	}
	if sample.Consistency == nil {
		return
	}
	switch *sample.Consistency {
	case "AGREE":
		r.Consistency.Agree++
	case "DISAGREE":
		r.Consistency.Disagree++
	default:
		r.Consistency.Undecidable++
	}
}

// freshness counts the head claims, of which the median is the ⌈n/2⌉-th smallest.
func (r *reportedRow) freshness(maxLag int64) {
	slices.Sort(r.lags)
	n := len(r.lags)
	if r.Freshness.Claims = n; n == 0 {
		return
	}
	r.Freshness.Max, r.Freshness.Median = &r.lags[n-1], &r.lags[(n+1)/2-1]
	for _, lag := range r.lags {
		if maxLag > 0 && lag > maxLag {
			r.Freshness.Behind++
		}
	}
}

func (r *reportedRow) judge(limits thresholds, session reportedSession, sla float64) {
	ok, agree, votes := r.Samples-r.Nulls, r.Consistency.Agree, r.Consistency.Agree+r.Consistency.Disagree
	r.Availability = wilson(ok, r.Samples)
	r.Consistency.reportedShare = wilson(r.Consistency.Agree, votes)
	times, connections := r.warm, "warm"
	if len(r.warm) < limits.SamplesRequired && len(r.warm) < len(r.cold) {
		times, connections = r.cold, "cold"
	}
	r.RTT = quantiles(times, connections)
	required, allowed := limits.SamplesRequired, limits.NullSamplesAllowed
	switch {
	case r.Consistency.Disagree > session.DisagreementsAllowed:
		r.Verdict = "inconsistent"
	case r.Freshness.Behind > session.LaggingAllowed && r.Nulls-r.Outcomes["BACKEND_ERROR"]-r.Outcomes["MISSING"] <= allowed:
		r.Verdict = "behind"
	case r.Nulls > allowed, r.Samples >= required && r.Samples > 0 && ok == 0:
		r.Verdict = "unavailable"
	case r.doubtful >= 1 && r.Nulls+r.doubtful > allowed, r.Samples < required, r.Samples == 0:
		r.Verdict = "unknown"
	case r.RTT.P50 != nil && *r.RTT.P50 > sla, 2*r.OverSLA > ok:
		r.Verdict = "slow"
	case agree < required, agree == 0:
		r.Verdict = "unknown"
	default:
		r.Verdict = "healthy"
	}
}

// wilson returns the share with its interval, by the document's formula.
func wilson(successes, trials int) (share reportedShare) {
	if trials == 0 {
		return share
	}
	const z = 1.959963984540054
	k, n := float64(successes), float64(trials)
	p := k / n
	middle, half, scale := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n)), 1+z*z/n
	low, high := (middle-half)/scale, (middle+half)/scale
	return reportedShare{rounded(p), rounded(low), rounded(high)}
}

// rounded removes the digits in which two ways to compute a number may differ.
func rounded(value float64) *float64 {
	value = math.Round(value*1e9) / 1e9
	value += 0 // no negative zero
	return &value
}

// UnmarshalJSON reads a share as rounded keeps it.
func (s *reportedShare) UnmarshalJSON(text []byte) error {
	var read struct{ Value, Low, High *float64 }
	if err := json.Unmarshal(text, &read); err != nil || read.Value == nil {
		return err
	}
	*s = reportedShare{rounded(*read.Value), rounded(*read.Low), rounded(*read.High)}
	return nil
}

// UnmarshalJSON reads counts and share, which are members of one object.
func (v *reportedVotes) UnmarshalJSON(text []byte) error {
	var counts struct{ Agree, Disagree, Undecidable int }
	if err := json.Unmarshal(text, &counts); err != nil {
		return err
	}
	v.Agree, v.Disagree, v.Undecidable = counts.Agree, counts.Disagree, counts.Undecidable
	return v.reportedShare.UnmarshalJSON(text)
}

func quantiles(times []float64, connections string) reportedTimes {
	if len(times) == 0 {
		return reportedTimes{}
	}
	sorted := slices.Sorted(slices.Values(times))
	at := func(p int) *float64 { return &sorted[(p*len(sorted)+99)/100-1] }
	return reportedTimes{at(10), at(25), at(50), at(75), at(90), at(99), &connections, len(times)}
}

// worse compares rows in the order of a report.
func worse(a, b reportedRow) int {
	low := func(r reportedRow) float64 {
		if r.Availability.Low == nil {
			return 0
		}
		return *r.Availability.Low
	}
	median := func(r reportedRow) float64 {
		if r.RTT.P50 == nil {
			return math.Inf(1)
		}
		return *r.RTT.P50
	}
	return cmp.Or(cmp.Compare(severity(a), severity(b)), cmp.Compare(low(a), low(b)), cmp.Compare(median(b), median(a)),
		cmp.Compare(a.Address, b.Address))
}

func severity(r reportedRow) int {
	return slices.Index([]string{"inconsistent", "unavailable", "behind", "slow", "unknown", "healthy"}, r.Verdict)
}

// setRank counts the servicers that are better beyond doubt.
func (r *reportedRow) setRank(rows []reportedRow, limits thresholds) {
	ranked := func(r reportedRow) bool { return r.Verdict != "unknown" && r.Samples >= limits.SamplesRequired }
	above := func(a, b reportedShare) bool { return a.Low != nil && b.Low != nil && *a.Low > *b.High }
	if !ranked(*r) {
		return
	}
	rank := 1
	for _, other := range rows {
		available, consistent := above(other.Availability, r.Availability), above(other.Consistency.reportedShare, r.Consistency.reportedShare)
		below := above(r.Availability, other.Availability) || above(r.Consistency.reportedShare, other.Consistency.reportedShare)
		if ranked(other) && severity(other) >= severity(*r) && (available || consistent) && !below {
			rank++
		}
	}
	r.Rank = &rank
}
