package fisherman

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/modules"
)

// TestMain is also what tests and benchmarks run as processes of their own: the fisherman that TestKilledFisherman starts and
// kills, and the far sides of benchmarks.
func TestMain(m *testing.M) {
	if told := os.Getenv(samplerVariable); told != "" {
		os.Exit(runSampler(told))
	}
	if role := os.Getenv(childRole); role != "" {
		os.Exit(playRole(role))
	}
	goleak.VerifyTestMain(m)
}

const chain = "0001"

var fishermanKey = crypto.KeyFromSeed([32]byte{9})

// sessionOf a number of blocks, with members as of a height.
func sessionOf(start, blocks, height int64, servicers ...*types.Actor) *types.Session {
	return &types.Session{
		Header: &types.SessionHeader{
			Id:          fmt.Sprintf("%064x", start+1),
			StartHeight: start,
			RelayChain:  chain,
			GeoZone:     "local",
			Application: fishermanKey.Address(),
		},
		Blocks:    blocks,
		Height:    height,
		Servicers: servicers,
	}
}

func actorsOf(servicers ...*fakes.Servicer) []*types.Actor {
	actors := make([]*types.Actor, len(servicers))
	for i, servicer := range servicers {
		actors[i] = servicer.Actor()
	}
	return actors
}

// testPolicy is generous where the machine that runs the tests may be slow.
func testPolicy() Policy {
	return Policy{
		Checks:           10,
		Distribution:     schedule.Even,
		Timeout:          2 * time.Second,
		LatencySLA:       time.Second,
		MaxSkew:          time.Second,
		Quorum:           2,
		SessionsRetained: 5,
		SamplesRequired:  3,
	}
}

func testQuestion(t testing.TB) question.Question {
	t.Helper()
	asked, err := question.CometBFT().Draw([32]byte{1}, question.Client{}, 100, nil)
	if err != nil {
		t.Fatal(err)
	}
	return asked
}

// rounds makes rounds that share their connections, as a fisherman's do.
type rounds struct {
	t      *testing.T
	policy Policy
	probe  Probe
	seal   Seal
	dial   Dial
	links  *links
	actors []*types.Actor
	// ignored fields of answers, and as they are written.
	ignored       []types.Pointer
	ignoredFields []string
}

func newRounds(t *testing.T, servicers ...*fakes.Servicer) *rounds {
	t.Helper()
	dialer := &relay.Dialer{AllowPrivate: true}
	for _, servicer := range servicers {
		if servicer.Roots() != nil {
			dialer.RootCAs = servicer.Roots()
		}
	}
	r := &rounds{
		t:      t,
		policy: testPolicy(),
		seal:   (&relay.Protocol{Key: fishermanKey, Now: time.Now}).Seal,
		dial:   dialer.Dial,
		links:  &links{},
		actors: actorsOf(servicers...),
	}
	t.Cleanup(r.links.close)
	return r
}

// at makes a round that is due at a moment.
func (r *rounds) at(due time.Time) *round {
	return &round{
		order: order{
			lead:     longestLead,
			session:  sessionOf(10, 10, 12, r.actors...),
			policy:   r.policy,
			due:      due,
			question: testQuestion(r.t),
			probe:    r.probe,
		},
		seal:  r.seal,
		dial:  r.dial,
		links: r.links,

		ignored: r.ignored, ignoredFields: r.ignoredFields,
	}
}

// run carries out a round now and judges it.
func (r *rounds) run() *types.QoSRound {
	r.t.Helper()
	one := r.at(time.Now())
	return one.judge(r.t.Context(), one.execute(r.t.Context()))
}

// disturbances are reasons for which a busy machine voids what went well otherwise.
var disturbances = []string{"this machine stalled", "skew of", "after its time", "moment of sending is not known"}

func disturbed(record *types.QoSRound) bool {
	texts := []string{record.GetReason()}
	for _, sample := range record.GetSamples() {
		texts = append(texts, sample.GetDetail())
	}
	return slices.ContainsFunc(texts, func(text string) bool {
		return slices.ContainsFunc(disturbances, func(reason string) bool { return strings.Contains(text, reason) })
	})
}

// undisturbed repeats a round until this machine was not at fault.
func undisturbed(t *testing.T, run func() *types.QoSRound) *types.QoSRound {
	t.Helper()
	var record *types.QoSRound
	for range 10 {
		if record = run(); !disturbed(record) {
			return record
		}
	}
	t.Fatalf("this machine is too busy: %s", record.GetReason())
	return nil
}

func sampleOf(t *testing.T, record *types.QoSRound, servicer *fakes.Servicer) *types.QoSSample {
	t.Helper()
	for _, sample := range record.GetSamples() {
		if sample.GetServicer() == servicer.Address() {
			return sample
		}
	}
	t.Fatalf("no sample of %s", servicer.URL())
	return nil
}

// isOK checks a sample of a servicer that answered well.
func isOK(t *testing.T, sample *types.QoSSample) {
	t.Helper()
	switch {
	case sample.GetOutcome() != types.Outcome_OUTCOME_OK || sample.GetBlame() != types.Blame_BLAME_UNSPECIFIED || sample.GetDetail() != "":
		t.Errorf("%s: %v of %v: %s", sample.GetServiceUrl(), sample.GetOutcome(), sample.GetBlame(), sample.GetDetail())
	case sample.GetRoundTripTime().AsDuration() <= 0 || sample.GetTimeToFirstByte().AsDuration() > sample.GetRoundTripTime().AsDuration():
		t.Errorf("%s: RTT %v, first byte %v", sample.GetServiceUrl(), sample.GetRoundTripTime().AsDuration(), sample.GetTimeToFirstByte().AsDuration())
	case len(sample.GetAnswerDigest()) != 32 || sample.GetSentUnixNano() == 0:
		t.Errorf("%s: digest %x, sent %d", sample.GetServiceUrl(), sample.GetAnswerDigest(), sample.GetSentUnixNano())
	}
}

// isNull checks a sample of a servicer that did not, and that it has nothing of an answer.
func isNull(t *testing.T, sample *types.QoSSample, outcome types.Outcome, blame types.Blame) {
	t.Helper()
	if sample.GetOutcome() != outcome || sample.GetBlame() != blame || sample.GetDetail() == "" {
		t.Errorf("%s: %v of %v, want %v of %v: %s", sample.GetServiceUrl(), sample.GetOutcome(), sample.GetBlame(), outcome, blame, sample.GetDetail())
	}
	if sample.RoundTripTime != nil || sample.TimeToFirstByte != nil || sample.AnswerDigest != nil || sample.GetOverSla() ||
		sample.GetConsistency() != types.Consistency_CONSISTENCY_UNSPECIFIED {
		t.Errorf("%s: a null sample with something of an answer: %v", sample.GetServiceUrl(), sample)
	}
}

// isVoid checks that a round counts for nobody.
func isVoid(t *testing.T, record *types.QoSRound, reason string) {
	t.Helper()
	if record.GetStatus() != types.RoundStatus_ROUND_STATUS_VOID || !strings.Contains(record.GetReason(), reason) {
		t.Errorf("round is %v: %s; want void: %s", record.GetStatus(), record.GetReason(), reason)
	}
	for _, sample := range record.GetSamples() {
		if sample.GetOutcome() != types.Outcome_OUTCOME_VOID || sample.GetBlame() != types.Blame_BLAME_SELF ||
			sample.GetConsistency() != types.Consistency_CONSISTENCY_UNSPECIFIED {
			t.Errorf("%s: %v of %v, %v", sample.GetServiceUrl(), sample.GetOutcome(), sample.GetBlame(), sample.GetConsistency())
		}
	}
}

// memory is a store in memory, for the run loop's tests.
type memory struct {
	mu       sync.Mutex
	sessions map[string]*types.QoSSession
	rounds   map[string]map[uint32]*types.QoSRound
	// repeated counts rounds that were stored already.
	repeated int
	pruned   []int
	// fail, if set, is asked before every operation.
	fail func(ctx context.Context, operation string) error
}

var _ Store = (*memory)(nil)

var errRepeated = errors.New("round is stored already")

func newMemory() *memory {
	return &memory{sessions: make(map[string]*types.QoSSession), rounds: make(map[string]map[uint32]*types.QoSRound)}
}

func (m *memory) enter(ctx context.Context, operation string) error {
	m.mu.Lock()
	fail := m.fail
	m.mu.Unlock()
	if fail != nil {
		if err := fail(ctx, operation); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (m *memory) setFail(fail func(ctx context.Context, operation string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

func (m *memory) PutSession(ctx context.Context, session *types.QoSSession) error {
	if err := m.enter(ctx, "PutSession"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions[session.GetHeader().GetId()] = proto.CloneOf(session)
	return nil
}

func (m *memory) PutRound(ctx context.Context, round *types.QoSRound) error {
	if err := m.enter(ctx, "PutRound"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := proto.Marshal(round); err != nil {
		return err
	}
	id := round.GetSessionId()
	if m.sessions[id] == nil {
		return modules.ErrUnknownSession
	}
	if m.rounds[id] == nil {
		m.rounds[id] = make(map[uint32]*types.QoSRound)
	}
	if m.rounds[id][round.GetIndex()] != nil {
		m.repeated++
		return errRepeated
	}
	m.rounds[id][round.GetIndex()] = proto.CloneOf(round)
	return nil
}

func (m *memory) Sessions(ctx context.Context) ([]*types.QoSSession, error) {
	if err := m.enter(ctx, "Sessions"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var sessions []*types.QoSSession
	for _, session := range m.sessions {
		sessions = append(sessions, proto.CloneOf(session))
	}
	slices.SortFunc(sessions, func(a, b *types.QoSSession) int {
		return cmp.Compare(a.GetHeader().GetStartHeight(), b.GetHeader().GetStartHeight())
	})
	return sessions, nil
}

func (m *memory) Session(ctx context.Context, id string) (*types.QoSSession, error) {
	if err := m.enter(ctx, "Session"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[id] == nil {
		return nil, fmt.Errorf("read session: %w", modules.ErrUnknownSession)
	}
	return proto.CloneOf(m.sessions[id]), nil
}

func (m *memory) Rounds(ctx context.Context, id string) ([]*types.QoSRound, error) {
	if err := m.enter(ctx, "Rounds"); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[id] == nil {
		return nil, modules.ErrUnknownSession
	}
	var rounds []*types.QoSRound
	for _, round := range m.rounds[id] {
		rounds = append(rounds, proto.CloneOf(round))
	}
	slices.SortFunc(rounds, func(a, b *types.QoSRound) int { return cmp.Compare(a.GetIndex(), b.GetIndex()) })
	return rounds, nil
}

func (m *memory) Prune(ctx context.Context, retain int) (int, error) {
	if err := m.enter(ctx, "Prune"); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pruned = append(m.pruned, retain)
	return 0, nil
}
