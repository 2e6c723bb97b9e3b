package fisherman

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/schedule"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/wire"
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
		Rules: judge.Rules{
			Timeout:    2 * time.Second,
			LatencySLA: time.Second,
			MaxSkew:    time.Second,
			MaxStall:   time.Second,
			Quorum:     2,
		},
		Checks:           10,
		Distribution:     schedule.Even,
		SessionsRetained: 5,
		SamplesRequired:  3,
		ColdShare:        5,
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

// sealed is a question sealed for our own chain's servicers, so that rounds over sockets have a real far side.
type sealed struct {
	envelope, serialised []byte
	binding              relay.Binding
}

// seal implements round.Ask.
func seal(session *types.Session, servicer *types.Actor, payload types.Payload) (Request, error) {
	request, err := relay.SealRequest(fishermanKey, relay.NewRequest(session.GetHeader(), servicer.GetAddress(), payload, time.Now()))
	if err != nil {
		return nil, err
	}
	publicKey, err := hex.DecodeString(servicer.GetPublicKey())
	if err != nil {
		return nil, err
	}
	serialised, err := wire.Request("POST", servicer.GetServiceUrl()+relay.Path, http.Header{"Content-Type": {relay.ContentType}}, request.Envelope)
	return &sealed{envelope: request.Envelope, serialised: serialised,
		binding: relay.Binding{RequestHash: request.BodyHash, Servicer: servicer.GetAddress(), PublicKey: publicKey}}, err
}

func (s *sealed) Wire() []byte     { return s.serialised }
func (s *sealed) Evidence() []byte { return s.envelope }

func (s *sealed) Open(answer *wire.Answer) (Reply, *wire.Failure) {
	if failure := answer.Unencoded(); failure != nil {
		return Reply{}, failure
	}
	response, err := relay.OpenResponse(answer.Body, s.binding)
	if err != nil {
		return Reply{}, wire.Fail(types.Outcome_OUTCOME_MALFORMED, types.Attempt_ATTEMPT_OPEN_ANSWER, err)
	}
	if signed := response.GetError(); signed != nil {
		return Reply{}, &wire.Failure{Outcome: types.Outcome_OUTCOME_VOID, Blame: types.Blame_BLAME_SELF, Attempt: types.Attempt_ATTEMPT_SIGNED_ERROR,
			Refusal: &types.Refusal{Code: uint32(signed.GetCode()), Label: signed.GetCode().Label(), OverAllowance: true}, Err: errors.New("refused")}
	}
	return Reply{Status: response.GetUpstreamStatus(), Payload: response.GetPayload()}, nil
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

// memoryStore is a store in memory, for the run loop's tests.
type memoryStore struct {
	mu       sync.Mutex
	sessions map[string]*types.QoSSession
	rounds   map[string]map[uint32]*types.QoSRound
	// repeated counts rounds that were stored already.
	repeated int
	pruned   []int
	// fail, if set, is asked before every operation.
	fail func(ctx context.Context, operation string) error
}

var _ Store = (*memoryStore)(nil)

var errRepeated = errors.New("round is stored already")

func newMemoryStore() *memoryStore {
	return &memoryStore{sessions: make(map[string]*types.QoSSession), rounds: make(map[string]map[uint32]*types.QoSRound)}
}

func (m *memoryStore) enter(ctx context.Context, operation string) error {
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

func (m *memoryStore) setFail(fail func(ctx context.Context, operation string) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = fail
}

// PutAll implements Store. Its operations are "PutSession" and "PutRound", once for each.
func (m *memoryStore) PutAll(ctx context.Context, sessions []*types.QoSSession, rounds []*types.QoSRound) []error {
	var errs []error
	for _, session := range sessions {
		errs = append(errs, m.putSession(ctx, session))
	}
	for _, round := range rounds {
		errs = append(errs, m.putRound(ctx, round))
	}
	return errs
}

func (m *memoryStore) putSession(ctx context.Context, session *types.QoSSession) error {
	if err := m.enter(ctx, "PutSession"); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions[session.GetHeader().GetId()] = proto.CloneOf(session)
	return nil
}

func (m *memoryStore) putRound(ctx context.Context, round *types.QoSRound) error {
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

func (m *memoryStore) Sessions(ctx context.Context) ([]*types.QoSSession, error) {
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

func (m *memoryStore) Session(ctx context.Context, id string) (*types.QoSSession, error) {
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

func (m *memoryStore) Rounds(ctx context.Context, id string) ([]*types.QoSRound, error) {
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

func (m *memoryStore) Prune(ctx context.Context, retain int) (int, error) {
	if err := m.enter(ctx, "Prune"); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pruned = append(m.pruned, retain)
	return 0, nil
}
