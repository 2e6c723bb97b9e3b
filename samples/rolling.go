package samples

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

const (
	// mostRolling bounds the servicers whose newest checks are kept. One takes up to 8 KiB.
	mostRolling = 10_000
	// keptChecks of a servicer are left when its checks are trimmed, once there are trimmedAt.
	keptChecks = qos.MostRollingChecks + qos.MostRollingVoids
	trimmedAt  = keptChecks + 32
	// evictedAtOnce is the share of the servicers in no open session that make room for a new one.
	evictedAtOnce = 16
	// clockSlack is how much later than a check that has just become durable another one may have been asked. Later ones are of
	// a clock that was set back since.
	clockSlack = 5 * time.Minute
	// endSlack is how long after its end a session that is a stretch of time counts as open when nobody closes it.
	endSlack = time.Minute
)

// Rolling keeps the newest checks of each servicer, across sessions, so that a verdict over them costs no reading of the
// store. It may be used by many goroutines at once, and is told of what became durable: each session before its rounds.
type Rolling struct {
	most int

	mu sync.Mutex
	// places have the servicers by address.
	places map[place]map[string]*rolled
	// servicers is how many the places have together.
	servicers int
	// makeRoom makes room for a servicer when there is none, and reports whether it could.
	makeRoom func() bool
	// open are the sessions that were not closed, by id.
	open map[string]*openSession
	// ahead is by how much the clock is ahead that checks are asked by, and added is told of each check that is added, under
	// mu; nil for nobody. A vantage point's Rolling has them.
	ahead time.Duration
	added func(at place, servicer string, check *qos.RollingCheck)
}

// place is a relay chain and a geo zone.
type place struct{ chain, zone string }

// openSession is a session that checks may still be told of.
type openSession struct {
	terms   *qos.Terms
	at      place
	members []string
	// ends is when the session ends; 0 where sessions are counted in blocks. touched is when it was taken up, or its newest
	// check was asked. Nanoseconds since the Unix epoch.
	ends, touched int64
	direct        bool
}

// over reports whether a session that nobody closes is over: its end has passed, or nothing was heard of it for long. Such
// sessions are those of a group that is not sampled any more.
func (s *openSession) over(now int64) bool {
	if s.ends != 0 {
		return s.ends+int64(endSlack) < now
	}
	return s.touched+int64(qos.MostRollingAge) < now
}

// rolled is a servicer with its newest checks.
type rolled struct {
	servicer *types.QoSServicer
	majority string
	// joined and session are of the newest session that lists it.
	joined  int64
	session string
	// checks in the order in which they were asked. Those that are there do not change, so that they can be read without
	// the lock.
	checks []qos.RollingCheck
	// details are replaced, not changed. explained is when the check of each was asked.
	details   map[types.Outcome]string
	explained map[types.Outcome]int64
}

// NewRolling makes one that was told of nothing.
func NewRolling() *Rolling {
	made := &Rolling{most: mostRolling, places: make(map[place]map[string]*rolled), open: make(map[string]*openSession)}
	made.makeRoom = made.evict
	return made
}

// Session takes a session as it is now.
func (r *Rolling) Session(session *types.QoSSession) {
	r.mu.Lock()
	defer r.mu.Unlock()
	header := session.GetHeader()
	if session.GetClosed() {
		delete(r.open, header.GetId())
		return
	}
	r.listMembers(r.take(session), session)
}

// listMembers notes the members of a session. It requires mu.
func (r *Rolling) listMembers(known *openSession, session *types.QoSSession) {
	known.members = known.members[:0]
	majority := qos.MajorityIdentity(session.GetServicers())
	for _, member := range session.GetServicers() {
		known.members = append(known.members, member.GetAddress())
		r.list(known.at, member, majority, session)
	}
}

// take returns what is kept of a session that is open. It requires mu.
func (r *Rolling) take(session *types.QoSSession) *openSession {
	header := session.GetHeader()
	known := r.open[header.GetId()]
	if known == nil {
		known = &openSession{terms: qos.TermsOf(session), at: place{header.GetRelayChain(), header.GetGeoZone()},
			ends: session.GetEndUnixNano(), touched: session.GetJoinedUnixNano() - int64(r.ahead), direct: session.GetStartUnixNano() != 0}
		if known.ends != 0 {
			known.ends -= int64(r.ahead)
		}
		r.open[header.GetId()] = known
	}
	return known
}

// list notes how a session lists a member. It requires mu.
func (r *Rolling) list(at place, member *types.QoSServicer, majority string, session *types.QoSSession) {
	servicer := r.servicer(at, member.GetAddress())
	if servicer != nil && servicer.listedBefore(session) {
		servicer.servicer, servicer.majority = member, majority
		servicer.joined, servicer.session = session.GetJoinedUnixNano(), session.GetHeader().GetId()
	}
}

// listedBefore reports whether a session says something newer of the servicer than what is known, or as new.
func (s *rolled) listedBefore(session *types.QoSSession) bool {
	return s.servicer == nil || cmp.Or(cmp.Compare(session.GetJoinedUnixNano(), s.joined), cmp.Compare(session.GetHeader().GetId(), s.session)) >= 0
}

// SLA returns the latency SLA of a session; 0 when it has none or is not open.
func (r *Rolling) SLA(session string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.open[session]; known != nil {
		return known.terms.SLA()
	}
	return 0
}

// Round takes a round of an open session.
func (r *Rolling) Round(round *types.QoSRound) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if session := r.open[round.GetSessionId()]; session != nil {
		r.add(session, round, round.GetReleasedUnixNano()-int64(r.ahead)+int64(clockSlack))
	}
}

// add adds the checks of a round, and forgets those of its servicers that were asked after the latest. It requires mu.
func (r *Rolling) add(session *openSession, round *types.QoSRound, latest int64) {
	session.touched = max(session.touched, round.GetReleasedUnixNano()-int64(r.ahead))
	session.terms.RollingChecks(round, func(sample *types.QoSSample, check qos.RollingCheck) {
		check = check.Earlier(r.ahead)
		servicer := r.servicer(session.at, sample.GetServicer())
		if servicer == nil {
			return
		}
		servicer.setBack(latest)
		if !servicer.add(check) {
			return
		}
		if r.added != nil {
			r.added(session.at, sample.GetServicer(), &check)
		}
		servicer.describe(session, sample, check, latest)
	})
}

// describe takes from a sample of a session what is known of its servicer.
func (s *rolled) describe(session *openSession, sample *types.QoSSample, check qos.RollingCheck, latest int64) {
	if s.servicer == nil {
		s.servicer = &types.QoSServicer{Address: sample.GetServicer(), ServiceUrl: sample.GetServiceUrl()}
	}
	if session.direct && sample.GetDetail() != "" && check.Null() {
		s.explain(sample, check.Asked(), latest)
	}
}

// servicer returns the servicer of an address, made if need be; nil when there is no room for another one. It requires mu.
func (r *Rolling) servicer(at place, address string) *rolled {
	here := r.places[at]
	if found := here[address]; found != nil {
		return found
	}
	if r.servicers >= r.most && !r.makeRoom() {
		return nil
	}
	if here = r.places[at]; here == nil {
		here = make(map[string]*rolled)
		r.places[at] = here
	}
	made := new(rolled)
	here[address] = made
	r.servicers++
	return made
}

// evict forgets some of the servicers in no open session that were asked longest ago, and reports whether there were any.
// It requires mu.
func (r *Rolling) evict() bool {
	type candidate struct {
		at      place
		address string
		asked   int64
	}
	running := r.running(0)
	var candidates []candidate
	for at, servicers := range r.places {
		for address, servicer := range servicers {
			if !running[member{at, address}] {
				candidates = append(candidates, candidate{at, address, servicer.asked()})
			}
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.asked, b.asked), cmp.Compare(a.address, b.address), cmp.Compare(a.at.chain, b.at.chain), cmp.Compare(a.at.zone, b.at.zone))
	})
	for _, old := range candidates[:(len(candidates)+evictedAtOnce-1)/evictedAtOnce] {
		r.forget(old.at, old.address)
	}
	return len(candidates) > 0
}

func (r *Rolling) forget(at place, address string) {
	delete(r.places[at], address)
	if len(r.places[at]) == 0 {
		delete(r.places, at)
	}
	r.servicers--
}

// member is a servicer of a relay chain and geo zone.
type member struct {
	at      place
	address string
}

// running returns the members of the sessions that are open and not over at a moment. It requires mu.
func (r *Rolling) running(now int64) map[member]bool {
	running := make(map[member]bool)
	for _, session := range r.open {
		if session.over(now) {
			continue
		}
		for _, address := range session.members {
			running[member{session.at, address}] = true
		}
	}
	return running
}

// asked is when the newest check was asked; 0 when there is none.
func (s *rolled) asked() int64 {
	if len(s.checks) == 0 {
		return 0
	}
	return s.checks[len(s.checks)-1].Asked()
}

// setBack forgets the checks that were asked after a moment, by a clock that was wrong.
func (s *rolled) setBack(latest int64) {
	for s.asked() > latest {
		s.checks = slices.Clip(s.checks[:len(s.checks)-1]) // what is there does not change
	}
}

// add puts a check in its place, and reports whether it is a new one.
func (s *rolled) add(check qos.RollingCheck) bool {
	at := len(s.checks)
	for at > 0 && check.Before(&s.checks[at-1]) {
		at--
	}
	if at > 0 && !s.checks[at-1].Before(&check) {
		return false // a servicer has one sample in a round
	}
	if len(s.checks) == cap(s.checks) || at < len(s.checks) { // what is there does not change
		room := min(max(2*len(s.checks), 4), trimmedAt)
		s.checks = append(make([]qos.RollingCheck, 0, room), s.checks...)
	}
	s.checks = slices.Insert(s.checks, at, check)
	if len(s.checks) >= trimmedAt {
		s.checks = trim(s.checks)
	}
	return true
}

// trim returns, with room for more, the newest checks that a verdict may be taken over and the newest void ones.
func trim(checks []qos.RollingCheck) []qos.RollingCheck {
	kept := make([]qos.RollingCheck, 0, trimmedAt)
	counting, voids := 0, 0
	for i := range slices.Backward(checks) {
		most, of := qos.MostRollingVoids, &voids
		if checks[i].Counts() {
			most, of = qos.MostRollingChecks, &counting
		}
		if *of < most {
			*of++
			kept = append(kept, checks[i])
		}
	}
	slices.Reverse(kept)
	return kept
}

// explain keeps the detail of a null sample, unless it has that of a later one. What was asked after the latest was so by a
// clock that was wrong.
func (s *rolled) explain(sample *types.QoSSample, asked, latest int64) {
	outcome := sample.GetOutcome()
	if at, known := s.explained[outcome]; known && at > asked && at <= latest {
		return
	}
	if s.explained == nil {
		s.explained = make(map[types.Outcome]int64)
	}
	s.explained[outcome] = asked
	if s.details[outcome] == sample.GetDetail() {
		return
	}
	details := maps.Clone(s.details)
	if details == nil {
		details = make(map[types.Outcome]string)
	}
	details[outcome] = sample.GetDetail()
	s.details = details
}

// Report judges every servicer, by relay chain and geo zone in their order. The lock is held while what is judged is
// listed, not while it is judged.
func (r *Rolling) Report(span qos.RollingSpan, now time.Time) []api.RollingReport {
	reports := []api.RollingReport{}
	listed := r.listed(now)
	for _, at := range slices.SortedFunc(maps.Keys(listed), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.chain, b.chain), cmp.Compare(a.zone, b.zone))
	}) {
		servicers := qos.Roll(listed[at], span, now)
		if len(servicers) == 0 {
			continue
		}
		reports = append(reports, api.RollingReport{RelayChain: at.chain, GeoZone: at.zone, Checks: span.Checks,
			MaxAgeSeconds: span.Age.Seconds(), Servicers: servicers})
	}
	return reports
}

func (r *Rolling) listed(now time.Time) map[place][]qos.RollingMember {
	r.mu.Lock()
	defer r.mu.Unlock()
	running := r.running(now.UnixNano())
	listed := make(map[place][]qos.RollingMember, len(r.places))
	for at, servicers := range r.places {
		for address, servicer := range servicers {
			if servicer.servicer == nil {
				continue
			}
			listed[at] = append(listed[at], qos.RollingMember{Servicer: servicer.servicer, Majority: servicer.majority,
				Running: running[member{at, address}], Checks: servicer.checks, Details: servicer.details})
		}
	}
	return listed
}
