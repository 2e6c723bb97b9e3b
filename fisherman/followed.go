package fisherman

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// followed is a session that the fisherman has taken up. The run loop owns it.
type followed struct {
	// session with its members as of the last head.
	session *types.Session
	policy  Policy
	// stored is what the store knows of the session.
	stored *types.QoSSession
	span   schedule.Span
	plan   schedule.Plan
	seed   [32]byte
	// next is the first check of the plan that is neither launched nor dropped.
	next int
	// finished are the checks that were stored before a restart.
	finished map[uint32]bool
	// asked are the labels of the session's questions so far.
	asked map[string]bool
	// demanded counts the checks on demand.
	demanded int
	// underway counts goroutines that still work for the session.
	underway int
	// requests are what they have under way, all together.
	requests int
	// resumed when an earlier run had taken the session up.
	resumed bool
	// fresh until the first look at the plan: what was due before is nobody's delay.
	fresh bool
	// left while the chain does not list the session as the fisherman's, before its end: servicers would rightly refuse.
	left bool
}

// newFollowed plans a session. The seed is HMAC-SHA256(fisherman's secret, session id), so the plan is reproducible by
// the fisherman and by nobody else.
func newFollowed(secret [32]byte, session *types.Session, policy Policy) (*followed, error) {
	w := &followed{
		session:  session,
		policy:   policy,
		span:     schedule.NewSpan(session.GetHeader().GetStartHeight(), session.GetBlocks()),
		finished: make(map[uint32]bool),
		asked:    make(map[string]bool),
		fresh:    true,
	}
	w.seed = derive(secret, "session", []byte(session.GetHeader().GetId()))
	plan, err := schedule.New(policy.Distribution, policy.Checks, derive(w.seed, "plan", nil))
	if err != nil {
		return nil, fmt.Errorf("plan session %s: %w", session.GetHeader().GetId(), err)
	}
	w.plan = plan
	return w, nil
}

func derive(key [32]byte, purpose string, data []byte) (derived [32]byte) {
	mac := hmac.New(sha256.New, key[:])
	fmt.Fprintf(mac, "pocket/fisherman/%s/v1\x00", purpose)
	mac.Write(data)
	mac.Sum(derived[:0])
	return derived
}

// questionSeed belongs to one check.
func (w *followed) questionSeed(index uint32) [32]byte {
	return derive(w.seed, "question", binary.BigEndian.AppendUint32(nil, index))
}

// resume takes over what an earlier run of this fisherman stored of the session.
func (w *followed) resume(stored *types.QoSSession, rounds []*types.QoSRound) {
	w.stored, w.resumed = stored, true
	for _, round := range rounds {
		w.finished[round.GetIndex()] = true
		w.asked[round.GetQuestion()] = true
	}
	w.skipFinished()
}

// begin makes the store's record of a session that is taken up for the first time.
func (w *followed) begin(head types.Head, now time.Time) {
	w.stored = &types.QoSSession{
		Header:             w.session.GetHeader(),
		Blocks:             w.session.GetBlocks(),
		ChecksPlanned:      uint32(len(w.plan)),
		LatencySla:         durationpb.New(w.policy.LatencySLA),
		NullSamplesAllowed: w.policy.NullSamplesAllowed,
		SamplesRequired:    w.policy.SamplesRequired,
		JoinedHeight:       head.Height,
		JoinedUnixNano:     now.UnixNano(),
	}
}

// adopt takes the session's members of a new height; true when servicers came that were not known yet.
func (w *followed) adopt(session *types.Session) bool {
	w.session = session
	known := make(map[string]bool)
	for _, servicer := range w.stored.GetServicers() {
		known[servicer.GetAddress()] = true
	}
	grown := false
	for _, servicer := range session.GetServicers() {
		if !known[servicer.GetAddress()] {
			grown = true
			w.stored.Servicers = append(w.stored.Servicers, &types.QoSServicer{
				Address:    servicer.GetAddress(),
				ServiceUrl: servicer.GetServiceUrl(),
			})
		}
	}
	return grown
}

// serviceURLs yields those of the session's servicers.
func (w *followed) serviceURLs(yield func(string) bool) {
	for _, servicer := range w.session.GetServicers() {
		if !yield(servicer.GetServiceUrl()) {
			return
		}
	}
}

// advance moves on to the next check that is not finished.
func (w *followed) advance() {
	w.next++
	w.skipFinished()
}

func (w *followed) skipFinished() {
	for w.pending() && w.finished[uint32(w.next)] {
		w.next++
	}
}

func (w *followed) pending() bool { return w.next < len(w.plan) }

// complete reports whether nothing is left to do for the session.
func (w *followed) complete(height int64) bool {
	return height >= w.span.End && !w.pending() && w.underway == 0
}

// tolerance is how late a check may be noticed and still be served: half the mean distance between checks, within
// bounds.
func (w *followed) tolerance(interval time.Duration) time.Duration {
	return min(max(w.spacing(interval)/2, 50*time.Millisecond), time.Second)
}

// lead is how long before its moment a check is launched: the mean distance between checks, within bounds.
func (w *followed) lead(interval time.Duration) time.Duration {
	return min(max(w.spacing(interval), round.ShortestLead), round.LongestLead)
}

// longLead is the lead of a session with a servicer that took so long to connect when it was late.
func (w *followed) longLead(interval, took time.Duration) time.Duration {
	return min(max(w.spacing(interval), round.ShortestLead), max(round.LongestLead, min(2*took, w.policy.Timeout)))
}

// spacing is the mean distance between checks when blocks take an interval.
func (w *followed) spacing(interval time.Duration) time.Duration {
	return time.Duration(w.span.End-w.span.Start) * interval / time.Duration(len(w.plan))
}

// clientSeed decides which client the session's questions seem to come from.
func (w *followed) clientSeed() [32]byte { return derive(w.seed, "client", nil) }

// draw draws the question of the check at an index, one that was not asked in the session before.
func (w *followed) draw(catalogue question.Catalogue, index uint32, head int64) (question.Question, error) {
	asked, err := catalogue.Draw(w.questionSeed(index), catalogue.Client(w.clientSeed(), index), head, w.asked)
	if err != nil {
		return question.Question{}, err
	}
	w.asked[asked.Label] = true
	return asked, nil
}

// mostAsked returns how many requests the schedule can have sent to one servicer by the time that it sends a check's: one
// for each check up to it. A run that was killed may have asked each of them already without having stored it.
func (w *followed) mostAsked(index uint32) uint64 {
	asked := uint64(index) + 1
	if w.resumed {
		asked *= 2
	}
	return asked
}
