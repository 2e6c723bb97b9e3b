package fisherman

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
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
	chain   *Chain
	// stored is what the store knows of the session.
	stored *types.QoSSession
	span   schedule.Span
	plan   schedule.Plan
	// kinds say what each check asks about.
	kinds []types.RoundKind
	// proving counts the checks that asked for heights because the control probe was unproven.
	proving int
	seed    [32]byte
	// next is the first check of the plan that is neither launched nor dropped.
	next int
	// moment is when that has to be launched, and place where the session is on the agenda.
	moment time.Time
	place  int
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
func newFollowed(secret [32]byte, session *types.Session, policy Policy, chain *Chain) (*followed, error) {
	w := &followed{
		session:  session,
		policy:   policy,
		chain:    chain,
		span:     schedule.NewSpan(session.GetHeader().GetStartHeight(), session.GetBlocks()),
		finished: make(map[uint32]bool),
		asked:    make(map[string]bool),
		fresh:    true,
		place:    notPlaced,
	}
	w.seed = derive(secret, "session", []byte(session.GetHeader().GetId()))
	plan, err := schedule.New(policy.Distribution, policy.Checks, derive(w.seed, "plan", nil))
	if err != nil {
		return nil, fmt.Errorf("plan session %s: %w", session.GetHeader().GetId(), err)
	}
	w.plan = plan
	w.kinds = kindsOf(len(plan), int(policy.SamplesRequired), derive(w.seed, "kinds", nil))
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
		Catalogue:          w.chain.Catalogue.Name,
		StartUnixNano:      w.session.GetStartUnixNano(),
		EndUnixNano:        w.session.GetEndUnixNano(),
		ChainIdentity:      w.session.GetChainIdentity(),

		LaggingAllowed:       w.policy.LaggingAllowed,
		DisagreementsAllowed: w.policy.DisagreementsAllowed,
	}
	if w.chain.Catalogue.Head != nil {
		w.stored.MaxLag = w.maxLag()
	}
}

// adopt takes the session's members of a new height; true when servicers came that were not known yet, or have said since
// who they are.
func (w *followed) adopt(session *types.Session) bool {
	w.session = session
	known := make(map[string]int)
	for i, servicer := range w.stored.GetServicers() {
		known[servicer.GetAddress()] = i
	}
	grown := false
	add := func(member *types.QoSServicer) {
		i, is := known[member.GetAddress()]
		switch {
		case !is:
			known[member.GetAddress()] = len(w.stored.Servicers)
			w.stored.Servicers = append(w.stored.Servicers, member)
		case saysMore(w.stored.Servicers[i], member):
			w.stored.Servicers[i] = member
		default:
			return
		}
		grown = true
	}
	for _, target := range session.GetTargets() {
		add(target)
	}
	for _, servicer := range session.GetServicers() {
		add(&types.QoSServicer{Address: servicer.GetAddress(), ServiceUrl: servicer.GetServiceUrl()})
	}
	return grown
}

// saysMore reports whether a member has said since who it is, or has a key now with which its answers are verified.
func saysMore(stored, member *types.QoSServicer) bool {
	if member.GetStanding() == stored.GetStanding() {
		return false
	}
	return member.GetChainIdentity() != "" || stored.GetStanding() == types.Standing_STANDING_UNVERIFIABLE
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

// leastColdLead is the shortest lead of a check that goes over new connections on purpose. Where checks lie so close together
// that many servicers cannot be connected to in between, it would only be void for them.
const leastColdLead = 500 * time.Millisecond

// cold reports whether a check goes over new connections: one of so many consecutive ones, at a secret place.
func (w *followed) cold(index uint32) bool {
	share := w.policy.ColdShare
	if share == 0 {
		return false
	}
	place := derive(w.seed, "cold", binary.BigEndian.AppendUint32(nil, index/share))
	return index%share == binary.BigEndian.Uint32(place[:])%share
}

// clientSeed decides which client the session's questions seem to come from.
func (w *followed) clientSeed() [32]byte { return derive(w.seed, "client", nil) }

// Of a session's checks, one in headShare asks for the newest height and one in tipShare for a block near the tip, at
// secret places; the others ask about settled blocks. A session of few checks asks more often for heights, as long as
// enough checks are left to compare.
const (
	headShare  = 4
	tipShare   = 8
	leastHeads = 2
)

// kindsOf says what each check of a plan asks about.
func kindsOf(checks, required int, seed [32]byte) []types.RoundKind {
	kinds := make([]types.RoundKind, checks)
	spare := max(0, checks-required)
	heads := min(spare, max(leastHeads, (checks+headShare-1)/headShare))
	tips := min(spare-heads, checks/tipShare)
	places := rand.New(rand.NewChaCha8(seed)).Perm(checks)
	for i, place := range places[:heads+tips] {
		kinds[place] = types.RoundKind_ROUND_KIND_HEAD
		if i >= heads {
			kinds[place] = types.RoundKind_ROUND_KIND_TIP
		}
	}
	return kinds
}

// kind returns what a check asks about. One on demand asks about settled blocks. While the control probe is unproven, the
// first checks ask for heights, which is how it is proven; later ones do not in return, where too few would be left to
// compare.
func (w *followed) kind(index uint32, unproven bool) types.RoundKind {
	switch {
	case int64(index) >= int64(len(w.kinds)):
		return types.RoundKind_ROUND_KIND_SETTLED
	case unproven && w.proving < leastHeads && len(w.kinds) > leastHeads && w.kinds[index] != types.RoundKind_ROUND_KIND_HEAD:
		if later := slices.Index(w.kinds[index:], types.RoundKind_ROUND_KIND_HEAD); later > 0 && w.settled() <= int(w.policy.SamplesRequired) {
			w.kinds[int(index)+later] = w.kinds[index]
		}
		w.kinds[index] = types.RoundKind_ROUND_KIND_HEAD
	}
	if unproven && w.kinds[index] == types.RoundKind_ROUND_KIND_HEAD {
		w.proving++
	}
	return w.kinds[index]
}

// settled counts the checks that ask about settled blocks.
func (w *followed) settled() (count int) {
	for _, kind := range w.kinds {
		if kind == types.RoundKind_ROUND_KIND_SETTLED {
			count++
		}
	}
	return count
}

// maxLag is how many blocks a node of the session's relay chain may be behind.
func (w *followed) maxLag() int64 {
	return cmp.Or(w.policy.MaxLag, w.chain.Catalogue.MaxLag)
}

// draw draws the question of the check at an index. One about blocks was not asked in the session before. Where a
// catalogue has no question of a kind, a settled block is asked about.
func (w *followed) draw(index uint32, head int64, unproven bool) (question.Question, error) {
	catalogue := w.chain.Catalogue
	client := catalogue.Client(w.clientSeed(), index)
	var asked question.Question
	err := question.ErrNothingToAsk
	kind := w.kind(index, unproven)
	if head == 0 && catalogue.Asked() {
		kind = types.RoundKind_ROUND_KIND_HEAD // which is not known
	}
	switch kind {
	case types.RoundKind_ROUND_KIND_HEAD:
		if asked, err = catalogue.DrawHead(client); err == nil {
			return asked, nil
		}
	case types.RoundKind_ROUND_KIND_TIP:
		asked, err = catalogue.DrawTip(w.questionSeed(index), client, head-w.maxLag(), w.asked)
	}
	if err != nil {
		catalogue.Depth = w.depth(head)
		asked, err = catalogue.Draw(w.questionSeed(index), client, head, w.asked)
	}
	if errors.Is(err, question.ErrNothingToAsk) && catalogue.Asked() {
		return catalogue.DrawHead(client) // the chain is too short for anything else
	}
	if err != nil {
		return question.Question{}, err
	}
	w.asked[asked.Label] = true
	return asked, nil
}

// youngDepth is how many blocks below the head count as settled on a chain that is shorter than its catalogue's depth. Such a
// chain is a network of somebody's own, whose blocks are final.
const youngDepth = 2

// depth returns how many blocks below a head count as settled. A node within the allowance has to have every settled block.
func (w *followed) depth(head int64) int64 {
	catalogue, lag := w.chain.Catalogue, w.maxLag()
	depth := catalogue.Depth
	if catalogue.Asked() && head <= depth {
		depth = min(depth, youngDepth)
	}
	if catalogue.Head != nil && head > lag {
		depth = max(depth, lag)
	}
	return depth
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
