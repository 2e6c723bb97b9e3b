package samples

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// ErrUnknownPlace is returned when there is no vantage point of a name.
var ErrUnknownPlace = errors.New("there is no vantage point of this name")

// Vantages merges what several vantage points measure, and reads what each of them stored. It answers as a Reader and a
// History do, with what is added for several. It may be used by many goroutines at once.
//
// What became durable of a vantage point is told to Session and Round, each session before its rounds, each round once.
type Vantages struct {
	now func() time.Time
	// points by place.
	points []*point
	health atomic.Pointer[keptHealth]
}

// point is a vantage point with what is kept of it in memory.
type point struct {
	Vantage
	reader  *Reader
	rolling *Rolling
	history *History

	mu sync.Mutex
	// buckets count the samples of each servicer as far back as a rolling verdict reaches; bounded as the servicers of
	// rolling are.
	buckets     map[member]*qos.Buckets
	mostBuckets int
}

// NewVantages makes a reader of vantage points, whose places differ. Errors: ErrPlaceTwice.
func NewVantages(vantages []Vantage, prover Prover) (*Vantages, error) {
	made := &Vantages{now: time.Now}
	for _, vantage := range vantages {
		p := &point{Vantage: vantage, rolling: NewRolling(), buckets: make(map[member]*qos.Buckets), mostBuckets: 2 * mostRolling}
		p.rolling.added = p.count
		p.reader = NewReader(vantage.Store, p.rolling, prover)
		if vantage.History != nil {
			p.history = NewHistory(vantage.History)
		}
		made.points = append(made.points, p)
	}
	slices.SortFunc(made.points, func(a, b *point) int { return cmp.Compare(a.Place, b.Place) })
	for i, p := range made.points[:max(len(made.points)-1, 0)] {
		if p.Place == made.points[i+1].Place {
			return nil, fmt.Errorf("%w: %s", ErrPlaceTwice, p.Place)
		}
	}
	return made, nil
}

// ErrPlaceTwice is returned when two vantage points have one place.
var ErrPlaceTwice = errors.New("two vantage points have one place")

// Recall reads the newest rounds of each store, as Rolling.Recall does. Call it before the first session and round are told
// of. One store that cannot be read does not keep the others from being read.
func (v *Vantages) Recall(ctx context.Context) error {
	var errs []error
	for _, p := range v.points {
		p.rolling.setAhead(p.health().ahead())
		if err := p.rolling.Recall(ctx, p.Store, v.now()); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", p.Place, err))
		}
	}
	return errors.Join(errs...)
}

// Session takes a session of a place as it is now. A place that is not known is ignored.
func (v *Vantages) Session(place string, session *types.QoSSession) {
	if p := v.point(place); p != nil {
		p.rolling.setAhead(p.health().ahead())
		p.rolling.Session(session)
	}
}

// Round takes a round of an open session of a place. A place that is not known is ignored.
func (v *Vantages) Round(place string, round *types.QoSRound) {
	if p := v.point(place); p != nil {
		p.rolling.setAhead(p.health().ahead())
		p.rolling.Round(round)
	}
}

// point returns the vantage point of a place; nil for none.
func (v *Vantages) point(place string) *point {
	at, found := slices.BinarySearchFunc(v.points, place, func(p *point, place string) int { return cmp.Compare(p.Place, place) })
	if !found {
		return nil
	}
	return v.points[at]
}

// setAhead notes by how much the clock is ahead that the next checks are asked by.
func (r *Rolling) setAhead(by time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ahead = by
}

// bucketsKept is how far back buckets are kept, in buckets.
const bucketsKept = int64(qos.MostRollingAge/qos.BucketLength) + 1

// count counts a check in its bucket.
func (p *point) count(at place, servicer string, check *qos.RollingCheck) {
	p.mu.Lock()
	defer p.mu.Unlock()
	of := member{at, servicer}
	kept := p.buckets[of]
	if kept == nil {
		if len(p.buckets) >= p.mostBuckets { // rolling has no more, and calls this under its lock
			maps.DeleteFunc(p.buckets, func(of member, _ *qos.Buckets) bool { return p.rolling.places[of.at][of.address] == nil })
		}
		kept = new(qos.Buckets)
		p.buckets[of] = kept
	}
	before := len(*kept)
	kept.Add(check)
	if len(*kept) > before {
		kept.Trim((*kept)[len(*kept)-1].Slot - bucketsKept)
	}
}

// members lists the servicers of each relay chain and geo zone with their newest checks.
func (p *point) members(now time.Time) map[place][]qos.VantageMember {
	listed := p.rolling.listed(now)
	p.mu.Lock()
	defer p.mu.Unlock()
	members := make(map[place][]qos.VantageMember, len(listed))
	for at, known := range listed {
		for _, each := range known {
			var buckets qos.Buckets
			if kept := p.buckets[member{at, each.Servicer.GetAddress()}]; kept != nil {
				buckets = slices.Clone(*kept)
			}
			members[at] = append(members[at], qos.VantageMember{Place: p.Place, RollingMember: each, Buckets: buckets})
		}
	}
	return members
}

// several reports whether there is something to merge.
func (v *Vantages) several() bool { return len(v.points) > 1 }

// Rolling returns each servicer's verdict over the newest checks of all vantage points, as Reader.Rolling does.
func (v *Vantages) Rolling(span qos.RollingSpan, servicer string) []api.RollingReport {
	if !v.several() {
		if len(v.points) == 0 {
			return []api.RollingReport{}
		}
		return v.points[0].reader.Rolling(span, servicer)
	}
	reports, _ := v.merge(cmp.Or(span, qos.DefaultRolling()))
	return onlyRolling(reports, servicer)
}

// merge merges the newest checks, by relay chain and geo zone in their order.
func (v *Vantages) merge(span qos.RollingSpan) ([]api.RollingReport, map[where]qos.Merged) {
	now := v.now()
	members := make(map[where]map[string][]qos.VantageMember)
	for _, p := range v.points {
		for here, known := range p.members(now) {
			at := p.where(here)
			if members[at] == nil {
				members[at] = make(map[string][]qos.VantageMember)
			}
			for _, each := range known {
				address := each.Servicer.GetAddress()
				members[at][address] = append(members[at][address], each)
			}
		}
	}
	reports, merged := []api.RollingReport{}, make(map[where]qos.Merged, len(members))
	for _, at := range slices.SortedFunc(maps.Keys(members), where.compare) {
		merged[at] = qos.RollVantages(members[at], span, now)
		if servicers := merged[at].Servicers; len(servicers) > 0 {
			reports = append(reports, api.RollingReport{RelayChain: at.chain, GeoZone: at.zone, Network: at.network, Checks: span.Checks,
				MaxAgeSeconds: span.Age.Seconds(), Servicers: servicers})
		}
	}
	return reports, merged
}

func (p place) compare(other place) int {
	return cmp.Or(cmp.Compare(p.chain, other.chain), cmp.Compare(p.zone, other.zone))
}

// onlyRolling picks a servicer's rows; all for the empty one.
func onlyRolling(reports []api.RollingReport, servicer string) []api.RollingReport {
	if servicer == "" {
		return reports
	}
	others := func(s api.RollingServicer) bool { return s.Servicer != servicer }
	for i := range reports {
		reports[i].Servicers = slices.DeleteFunc(reports[i].Servicers, others)
	}
	return slices.DeleteFunc(reports, func(r api.RollingReport) bool { return len(r.Servicers) == 0 })
}

// Report returns the merged verdicts, the sessions of each vantage point, oldest first, and the vantage points. A session that
// several vantage points follow is there once for each. Errors: modules.ErrUnknownSession.
func (v *Vantages) Report(ctx context.Context, filter ReportFilter) (api.Report, error) {
	report := api.Report{Rolling: []api.RollingReport{}, Sessions: []api.SessionReport{}}
	unknown := 0
	own := filter
	own.Rolling = qos.RollingSpan{Checks: 1, Age: time.Second} // of the rolling verdicts only the merged ones are shown
	for _, p := range v.points {
		own, err := p.reader.Report(ctx, own)
		if errors.Is(err, modules.ErrUnknownSession) {
			unknown++
			continue
		}
		if err != nil {
			return api.Report{}, fmt.Errorf("%s: %w", p.Place, err)
		}
		for i := range own.Sessions {
			own.Sessions[i].Vantage = v.tag(p.Place)
		}
		report.Sessions = append(report.Sessions, own.Sessions...)
	}
	if unknown == len(v.points) && filter.SessionID != "" {
		return api.Report{}, modules.ErrUnknownSession
	}
	if v.several() {
		slices.SortStableFunc(report.Sessions, byBeginning)
	}
	if filter.Last > 0 {
		report.Sessions = report.Sessions[max(0, len(report.Sessions)-filter.Last):]
	}
	if span := cmp.Or(filter.Rolling, qos.DefaultRolling()); filter.SessionID == "" && v.several() && span == qos.DefaultRolling() {
		reports, merged := v.merge(span)
		report.Rolling, report.Vantages = onlyRolling(reports, filter.Servicer), v.vantages(merged)
		return report, nil
	}
	if filter.SessionID == "" {
		report.Rolling = v.Rolling(filter.Rolling, filter.Servicer)
	}
	report.Vantages = v.Vantages()
	return report, nil
}

// byBeginning orders sessions by their first height, and those of one height by when they began.
func byBeginning(a, b api.SessionReport) int {
	began := func(s api.SessionReport) int64 {
		if s.From == nil {
			return 0
		}
		return s.From.UnixNano()
	}
	if a.Started == nil && b.Started == nil {
		return cmp.Compare(a.Height, b.Height)
	}
	return cmp.Compare(began(a), began(b))
}

// Rounds reads a page of a session's rounds, as Reader.Rounds does, of the filter's place, or of the first that has the
// session. Errors: modules.ErrUnknownSession, ErrUnknownServicer, ErrUnknownPlace.
func (v *Vantages) Rounds(ctx context.Context, filter RoundFilter) (api.RoundPage, error) {
	points := v.points
	if filter.Vantage != "" {
		p := v.point(filter.Vantage)
		if p == nil {
			return api.RoundPage{}, ErrUnknownPlace
		}
		points = []*point{p}
	}
	filter.Vantage = ""
	for _, p := range points {
		page, err := p.reader.Rounds(ctx, filter)
		if errors.Is(err, modules.ErrUnknownSession) {
			continue
		}
		page.Vantage = v.tag(p.Place)
		for i := range page.Rounds {
			page.Rounds[i].Vantage = v.tag(p.Place)
		}
		return page, err
	}
	return api.RoundPage{}, modules.ErrUnknownSession
}
