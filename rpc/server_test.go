package rpc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/modules"
	"github.com/pocket-fisherman/fisherman/shared/transaction"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	knownApplication = "00000000000000000000000000000000000000aa"
	knownServicer    = "00000000000000000000000000000000000000bb"
	knownFisherman   = "00000000000000000000000000000000000000cc"
	otherAddress     = "00000000000000000000000000000000000000dd"
	// memoryFisherman holds its samples in memory.
	memoryFisherman = "00000000000000000000000000000000000000ee"
)

var (
	knownSession = strings.Repeat("1f", 32)
	otherSession = strings.Repeat("2e", 32)
)

// fakeChain is a chain at a height with one application on relay chain 0001.
type fakeChain struct {
	height int64
	err    error
}

func (c *fakeChain) ChainID() string { return "test-chain" }
func (c *fakeChain) Height() int64   { return c.height }

func (c *fakeChain) Session(_ context.Context, height int64, application, relayChain string) (*types.Session, error) {
	switch {
	case c.err != nil:
		return nil, c.err
	case height > c.height+1:
		return nil, modules.ErrHeightUnavailable
	case application != knownApplication:
		return nil, modules.ErrUnknownActor
	case relayChain != "0001":
		return nil, modules.ErrChainNotStaked
	}
	return &types.Session{
		Header: &types.SessionHeader{Id: knownSession, StartHeight: 20, RelayChain: "0001", GeoZone: "zone-1", Application: application},
		Blocks: 10, Height: height,
		Application: actor(types.ActorType_ACTOR_TYPE_APPLICATION, knownApplication, ""),
		Servicers:   []*types.Actor{actor(types.ActorType_ACTOR_TYPE_SERVICER, knownServicer, "http://servicer.example:8080/<a>")},
		Fishermen:   []*types.Actor{actor(types.ActorType_ACTOR_TYPE_FISHERMAN, knownFisherman, "")},
	}, nil
}

func (c *fakeChain) Actors(_ context.Context, height int64, actorType types.ActorType) ([]*types.Actor, error) {
	switch {
	case c.err != nil:
		return nil, c.err
	case height > c.height:
		return nil, modules.ErrHeightUnavailable
	case actorType != types.ActorType_ACTOR_TYPE_SERVICER:
		return nil, nil
	}
	return []*types.Actor{actor(actorType, knownServicer, "http://servicer.example:8080")}, nil
}

func actor(actorType types.ActorType, address, url string) *types.Actor {
	return &types.Actor{Type: actorType, Address: address, PublicKey: strings.Repeat("ab", 32), Chains: []string{"0001"},
		GeoZone: "zone-1", ServiceUrl: url, StakeUpokt: 18446744073709551615, PausedHeight: 3}
}

// fakeAccounts has one account.
type fakeAccounts struct{}

func (fakeAccounts) Account(_ context.Context, height int64, address string) (*types.Account, error) {
	if height > 23 {
		return nil, modules.ErrHeightUnavailable
	}
	return &types.Account{Address: address, BalanceUpokt: 18446744073709551615, Sequence: 7}, nil
}

func (fakeAccounts) Unbondings(_ context.Context, _ int64, address string) ([]*types.Unbonding, error) {
	return []*types.Unbonding{{Type: types.ActorType_ACTOR_TYPE_SERVICER, Address: address, AmountUpokt: 5, UnlockHeight: 30}}, nil
}

// fakeBroadcast answers by what a transaction's bytes say.
func fakeBroadcast(_ context.Context, raw []byte, wait bool) (Receipt, error) {
	receipt := Receipt{Hash: []byte{0xab, 0xcd}}
	switch string(raw) {
	case "refused":
		return Receipt{}, transaction.Refuse(types.TransactionCode_TRANSACTION_CODE_WRONG_SEQUENCE, "the next one is 3")
	case "early":
		return Receipt{}, ErrNotReady
	case "again":
		return Receipt{}, ErrKnownTransaction
	case "full":
		return Receipt{}, ErrMempoolFull
	case "broken":
		return Receipt{}, errors.New("secret of the node")
	}
	if len(raw) > transaction.MaxBytes {
		_, err := transaction.Open(raw)
		return Receipt{}, err
	}
	if wait {
		receipt.Height = 24
	}
	if wait && string(raw) == "fails" {
		receipt.Code, receipt.Log = types.TransactionCode_TRANSACTION_CODE_NOT_OWNER, "NOT_OWNER: not yours"
	}
	return receipt, nil
}

// fakeQoS holds one session with one servicer.
type fakeQoS struct {
	filters []QoSFilter
	windows []WindowFilter
	err     error
	panics  bool
}

func (q *fakeQoS) Report(_ context.Context, filter QoSFilter) (qos.Report, error) {
	q.filters = append(q.filters, filter)
	switch {
	case q.panics:
		panic("secret of the node")
	case q.err != nil:
		return qos.Report{}, q.err
	case filter.SessionID != "" && filter.SessionID != knownSession:
		return qos.Report{}, modules.ErrUnknownSession
	case filter.Servicer != "" && filter.Servicer != knownServicer:
		return qos.Report{}, nil
	}
	return qos.Report{Sessions: []qos.SessionReport{{ID: knownSession, Height: 20, RelayChain: "0001", GeoZone: "zone-1",
		Application: knownApplication, ChecksPlanned: 10, Servicers: []qos.ServicerReport{{Address: knownServicer, Verdict: qos.Unknown}}}}}, nil
}

// fakeRelays keeps three relays of one session.
type fakeRelays struct{ err error }

func (r fakeRelays) Kept(_ context.Context, last int) (KeptRelays, error) {
	kept := KeptRelays{Servicers: []ServicerRelays{{Address: knownServicer, Stored: 3, Dropped: 2, Failed: 1}},
		AllSessions: 5, AllRelays: 9, Bytes: 1234, EvictedSessions: 4, Failures: 6}
	if last > 1 {
		kept.Sessions = []SessionRelays{{Relays: 3, Header: &types.SessionHeader{Id: knownSession, StartHeight: 20, RelayChain: "0001",
			GeoZone: "zone-1", Application: knownApplication}}}
	}
	return kept, r.err
}

func (r fakeRelays) Relays(_ context.Context, session string, from uint32, limit int) ([]KeptRelay, int, error) {
	if r.err != nil || session != knownSession {
		return nil, 0, cmp.Or(r.err, modules.ErrUnknownSession)
	}
	var relays []KeptRelay
	for place := int(from); place < min(3, int(from)+limit); place++ {
		relays = append(relays, KeptRelay{
			RequestHash: [32]byte{1, byte(place)}, Servicer: knownServicer, Application: knownApplication, Signer: knownFisherman,
			Received: time.Unix(1_700_000_000, 123), Answered: time.Unix(1_700_000_000, 456), UpstreamStatus: 200,
			Request: []byte("request"), Response: []byte("response"),
		})
	}
	return relays, 3, nil
}

func (q *fakeQoS) Windows(_ context.Context, filter WindowFilter) (qos.WindowsReport, error) {
	q.windows = append(q.windows, filter)
	switch {
	case q.panics:
		panic("secret of the node")
	case q.err != nil:
		return qos.WindowsReport{}, q.err
	case filter.Servicer != "" && filter.Servicer != knownServicer:
		return qos.WindowsReport{}, nil
	}
	return qos.WindowsReport{Window: filter.Span.String(), RelativeError: qos.RelativeError, Windows: []qos.WindowReport{{
		RelayChain: "0001", GeoZone: "zone-1", Sessions: 2, Servicers: []qos.WindowServicer{{Address: knownServicer, Sessions: 2, Verdict: qos.Unknown}}}}}, nil
}

type fakeStatus string

func (s fakeStatus) Fisherman() string { return string(s) }
func (s fakeStatus) Build() Build {
	return Build{Version: "v1.2.3", Revision: "abcdef", Time: "2026-01-02T03:04:05Z", Go: "go1.26"}
}

// Store of a node whose address says so holds samples in memory.
func (s fakeStatus) Store() *Store {
	switch s {
	case "":
		return nil
	case memoryFisherman:
		return &Store{Reason: "no space left on device", Since: time.Unix(1_700_000_000, 5), Disk: Held{Sessions: 3, Rounds: 30, Bytes: 4000},
			Memory: Held{Sessions: 2, Rounds: 11, Bytes: 1500}, EvictedSessions: 7, UnreadableSessions: 1, SetAside: "/home/samples.damaged-1"}
	}
	return &Store{Durable: true, Disk: Held{Sessions: 5, Rounds: 50, Bytes: 6000}, EvictedSessions: 2}
}

// fakeEvidence has one piece, and repeats the filter as the next place.
func fakeEvidence(_ context.Context, filter EvidenceFilter) (qos.EvidencePage, error) {
	if filter.SessionID == otherSession {
		return qos.EvidencePage{}, modules.ErrUnknownSession
	}
	piece := qos.Evidence{Session: qos.EvidenceSession{ID: knownSession, StartHeight: 20}, Check: 3, IgnoredFields: []string{}, Votes: []qos.EvidenceVote{},
		Sides: []qos.EvidenceSide{{Answer: "<é>", RequestEnvelope: []byte{1, 2}, ResponseEnvelope: []byte{0xff}}}}
	return qos.EvidencePage{Evidence: []qos.Evidence{piece}, Unkept: filter.Limit, Next: filter.Before}, nil
}

// fakeCheck knows one servicer, and answers by the relay chain.
func fakeCheck(ctx context.Context, wanted CheckRequest) (qos.CheckReport, error) {
	switch {
	case wanted.Servicer != knownServicer:
		return qos.CheckReport{}, ErrNotInSession
	case wanted.RelayChain == "0002":
		return qos.CheckReport{}, ErrTooManyChecks
	case wanted.RelayChain == "0003":
		return qos.CheckReport{}, ErrCannotAsk
	case wanted.RelayChain == "0004":
		return qos.CheckReport{}, ErrNoFisherman
	case wanted.RelayChain == "0005":
		<-ctx.Done()
		return qos.CheckReport{}, ctx.Err()
	}
	ms := 1.5
	return qos.CheckReport{Session: qos.EvidenceSession{ID: knownSession, Application: wanted.Application}, Servicer: wanted.Servicer, Verdict: qos.CheckOK,
		Samples: []qos.CheckSample{{Servicer: wanted.Servicer, Outcome: "OK", ConnectMS: &ms}}}, nil
}

func readersAt(height int64) (Readers, *fakeChain, *fakeQoS) {
	chain, samples := &fakeChain{height: height}, &fakeQoS{}
	return Readers{Chain: chain, Blocks: fakeBlocks{height: height}, Params: fakeParams, QoS: samples, Rounds: fakeRounds{},
		Events: fakeEvents{}, Status: fakeStatus(knownFisherman), Relays: fakeRelays{}, Accounts: fakeAccounts{},
		Broadcast: fakeBroadcast, Evidence: fakeEvidence, Check: fakeCheck}, chain, samples
}

func ask(handler http.Handler, method, target string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(method, target, nil))
	return recorder
}

// goldenTargets are what is asked for the golden files.
func goldenTargets() map[string]string {
	return map[string]string{
		"status":         "/v1/status",
		"session":        "/v1/session?application=" + knownApplication + "&relay_chain=0001",
		"actors":         "/v1/actors?type=servicer",
		"actors_none":    "/v1/actors?type=validator&height=3",
		"qos":            "/v1/qos",
		"qos_window":     "/v1/qos?window=24h",
		"health":         "/v1/health",
		"ready":          "/v1/ready",
		"version":        "/v1/version",
		"params":         "/v1/params?height=3",
		"block":          "/v1/block?height=7",
		"blocks":         "/v1/blocks?limit=2",
		"blocks_page":    "/v1/blocks?from=3&limit=2",
		"transaction":    "/v1/transaction?hash=" + hashOf(fakeTransactions()[0]),
		"rounds":         "/v1/qos/rounds?session=" + knownSession + "&servicer=" + knownServicer,
		"rounds_page":    "/v1/qos/rounds?from=1&limit=1&session=" + knownSession,
		"evidence":       "/v1/evidence?limit=7&before_check=4&before_session=" + knownSession,
		"account":        "/v1/account?address=" + knownServicer,
		"relays":         "/v1/relays",
		"relays_none":    "/v1/relays?last=1",
		"relays_page":    "/v1/relays/session?session=" + knownSession + "&from=1&limit=1",
		"relays_last":    "/v1/relays/session?session=" + knownSession + "&from=2",
		"refusal":        "/v1/session?application=" + otherAddress + "&relay_chain=0001",
		"refusal_quoted": "/v1/actors?type=%22%1b%5b31m",
	}
}

func TestAnswersMatchGoldenFiles(t *testing.T) {
	readers, _, _ := readersAt(23)
	server := New(Config{}, readers)
	for name, target := range goldenTargets() {
		t.Run(name, func(t *testing.T) {
			answer := ask(server, http.MethodGet, target)
			path := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(path, answer.Body.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			conforms(t, target, answer)
			if got := answer.Body.String(); got != string(want) {
				t.Errorf("GET %s\ngot  %swant %s", target, got, want)
			}
		})
	}
}

func TestStatusOfOtherStores(t *testing.T) {
	for name, fisherman := range map[string]fakeStatus{"status_memory": memoryFisherman, "status_none": ""} {
		readers, _, _ := readersAt(23)
		readers.Status = fisherman
		answer := ask(New(Config{}, readers), http.MethodGet, "/v1/status")
		path := filepath.Join("testdata", name+".json")
		if *update {
			if err := os.WriteFile(path, answer.Body.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := answer.Body.String(); got != string(want) {
			t.Errorf("%s: got  %swant %s", name, got, want)
		}
	}
}

func TestStatusCodesAndCodes(t *testing.T) {
	session := "/v1/session?relay_chain=0001&application="
	for _, test := range []struct {
		name, method, target string
		status               int
		code                 string
	}{
		{"unknown path", "GET", "/v1/nothing", 404, codeUnknownPath},
		{"path of another case", "GET", "/V1/status", 404, codeUnknownPath},
		{"trailing slash", "GET", "/v1/status/", 404, codeUnknownPath},
		{"post", "POST", "/v1/status", 405, codeMethodNotAllowed},
		{"delete", "DELETE", "/v1/qos", 405, codeMethodNotAllowed},
		{"unknown parameter", "GET", "/v1/status?verbose=1", 400, codeBadParameter},
		{"repeated parameter", "GET", session + knownApplication + "&application=" + knownApplication, 400, codeBadParameter},
		{"empty parameter", "GET", "/v1/qos?session=", 400, codeBadParameter},
		{"broken query", "GET", "/v1/qos?session=%zz", 400, codeBadParameter},
		{"semicolons", "GET", "/v1/qos?session=1;last=2", 400, codeBadParameter},
		{"missing application", "GET", "/v1/session?relay_chain=0001", 400, codeBadParameter},
		{"missing chain", "GET", "/v1/session?application=" + knownApplication, 400, codeBadParameter},
		{"bad application", "GET", session + "AA", 400, codeBadParameter},
		{"bad chain", "GET", "/v1/session?relay_chain=1&application=" + knownApplication, 400, codeBadParameter},
		{"height zero", "GET", session + knownApplication + "&height=0", 400, codeBadParameter},
		{"height negative", "GET", session + knownApplication + "&height=-1", 400, codeBadParameter},
		{"height not a number", "GET", session + knownApplication + "&height=1e3", 400, codeBadParameter},
		{"height beyond 64 bits", "GET", session + knownApplication + "&height=9223372036854775808", 400, codeBadParameter},
		{"height ahead", "GET", session + knownApplication + "&height=25", 404, codeHeightUnavailable},
		{"height next", "GET", session + knownApplication + "&height=24", 200, ""},
		{"unknown application", "GET", session + otherAddress, 404, codeUnknownApplication},
		{"chain not staked", "GET", "/v1/session?relay_chain=0002&application=" + knownApplication, 404, codeChainNotStaked},
		{"missing type", "GET", "/v1/actors", 400, codeBadParameter},
		{"unknown type", "GET", "/v1/actors?type=portal", 400, codeBadParameter},
		{"unspecified type", "GET", "/v1/actors?type=unspecified", 400, codeBadParameter},
		{"actors ahead", "GET", "/v1/actors?type=servicer&height=24", 404, codeHeightUnavailable},
		{"missing address", "GET", "/v1/account", 400, codeBadParameter},
		{"bad address", "GET", "/v1/account?address=x", 400, codeBadParameter},
		{"account ahead", "GET", "/v1/account?height=24&address=" + knownServicer, 404, codeHeightUnavailable},
		{"transaction by GET", "GET", "/v1/tx", 405, codeMethodNotAllowed},
		{"transaction without type", "POST", "/v1/tx", 415, codeBadRequest},
		{"transaction with parameters", "POST", "/v1/tx?height=1", 400, codeBadParameter},
		{"bad session", "GET", "/v1/qos?session=12", 400, codeBadParameter},
		{"unknown session", "GET", "/v1/qos?session=" + otherSession, 404, codeUnknownSession},
		{"known session", "GET", "/v1/qos?session=" + knownSession, 200, ""},
		{"unknown servicer", "GET", "/v1/qos?servicer=" + otherAddress, 404, codeUnknownServicer},
		{"relays of none", "GET", "/v1/relays/session", 400, codeBadParameter},
		{"relays of a bad session", "GET", "/v1/relays/session?session=12", 400, codeBadParameter},
		{"relays of an unknown session", "GET", "/v1/relays/session?session=" + otherSession, 404, codeUnknownSession},
		{"relays beyond the end", "GET", "/v1/relays/session?from=9&session=" + knownSession, 200, ""},
		{"relays from below", "GET", "/v1/relays/session?from=-1&session=" + knownSession, 400, codeBadParameter},
		{"relays from beyond 32 bits", "GET", "/v1/relays/session?from=4294967296&session=" + knownSession, 400, codeBadParameter},
		{"no relays", "GET", "/v1/relays/session?limit=0&session=" + knownSession, 400, codeBadParameter},
		{"too many relays", "GET", "/v1/relays/session?limit=1001&session=" + knownSession, 400, codeBadParameter},
		{"too many sessions of relays", "GET", "/v1/relays?last=1001", 400, codeBadParameter},
		{"params ahead", "GET", "/v1/params?height=24", 404, codeHeightUnavailable},
		{"block of height zero", "GET", "/v1/block?height=0", 400, codeBadParameter},
		{"the newest block", "GET", "/v1/block", 200, ""},
		{"block ahead", "GET", "/v1/block?height=24", 404, codeHeightUnavailable},
		{"blocks ahead", "GET", "/v1/blocks?from=24", 200, ""},
		{"blocks of the end of numbers", "GET", "/v1/blocks?from=9223372036854775807&limit=100", 200, ""},
		{"too many blocks", "GET", "/v1/blocks?limit=101", 400, codeBadParameter},
		{"no hash", "GET", "/v1/transaction", 400, codeBadParameter},
		{"bad hash", "GET", "/v1/transaction?hash=" + strings.Repeat("AB", 32), 400, codeBadParameter},
		{"unknown hash", "GET", "/v1/transaction?hash=" + otherSession, 404, codeUnknownTransaction},
		{"hash in another block", "GET", "/v1/transaction?height=8&hash=" + hashOf(fakeTransactions()[0]), 404, codeUnknownTransaction},
		{"hash in its block", "GET", "/v1/transaction?height=7&hash=" + hashOf(fakeTransactions()[0]), 200, ""},
		{"hash in a block ahead", "GET", "/v1/transaction?height=24&hash=" + otherSession, 404, codeHeightUnavailable},
		{"rounds of none", "GET", "/v1/qos/rounds", 400, codeBadParameter},
		{"rounds of an unknown session", "GET", "/v1/qos/rounds?session=" + otherSession, 404, codeUnknownSession},
		{"rounds of an unknown servicer", "GET", "/v1/qos/rounds?session=" + knownSession + "&servicer=" + otherAddress, 404, codeUnknownServicer},
		{"rounds beyond the end", "GET", "/v1/qos/rounds?from=9&session=" + knownSession, 200, ""},
		{"rounds from beyond 32 bits", "GET", "/v1/qos/rounds?from=4294967296&session=" + knownSession, 400, codeBadParameter},
		{"no rounds", "GET", "/v1/qos/rounds?limit=0&session=" + knownSession, 400, codeBadParameter},
		{"too many rounds", "GET", "/v1/qos/rounds?limit=1001&session=" + knownSession, 400, codeBadParameter},
		{"events with parameters", "GET", "/v1/qos/events?session=" + knownSession, 400, codeBadParameter},
		{"events by POST", "POST", "/v1/qos/events", 405, codeMethodNotAllowed},
		{"head of events", "HEAD", "/v1/qos/events", 200, ""},
		{"last zero", "GET", "/v1/qos?last=0", 400, codeBadParameter},
		{"last too many", "GET", "/v1/qos?last=1001", 400, codeBadParameter},
		{"last", "GET", "/v1/qos?last=1000", 200, ""},
		{"window", "GET", "/v1/qos?window=10", 200, ""},
		{"window of a servicer", "GET", "/v1/qos?window=90m&servicer=" + knownServicer, 200, ""},
		{"window of an unknown servicer", "GET", "/v1/qos?window=10&servicer=" + otherAddress, 404, codeUnknownServicer},
		{"window of nothing", "GET", "/v1/qos?window=0", 400, codeBadParameter},
		{"window of words", "GET", "/v1/qos?window=yesterday", 400, codeBadParameter},
		{"window and session", "GET", "/v1/qos?window=10&session=" + knownSession, 400, codeBadParameter},
		{"window and last", "GET", "/v1/qos?window=10&last=3", 400, codeBadParameter},
		{"evidence", "GET", "/v1/evidence", 200, ""},
		{"evidence of a check", "GET", "/v1/evidence?check=0&servicer=" + knownServicer, 200, ""},
		{"evidence of an unknown session", "GET", "/v1/evidence?session=" + otherSession, 404, codeUnknownSession},
		{"evidence of a bad check", "GET", "/v1/evidence?check=-1", 400, codeBadParameter},
		{"check beyond 32 bits", "GET", "/v1/evidence?check=4294967296", 400, codeBadParameter},
		{"too much evidence", "GET", "/v1/evidence?limit=101", 400, codeBadParameter},
		{"half a place", "GET", "/v1/evidence?before_check=1", 400, codeBadParameter},
		{"the other half", "GET", "/v1/evidence?before_session=" + knownSession, 400, codeBadParameter},
		{"check", "POST", "/v1/check?servicer=" + knownServicer, 200, ""},
		{"check by GET", "GET", "/v1/check?servicer=" + knownServicer, 405, codeMethodNotAllowed},
		{"check of nobody", "POST", "/v1/check", 400, codeBadParameter},
		{"check of a bad address", "POST", "/v1/check?servicer=x", 400, codeBadParameter},
		{"check for a bad application", "POST", "/v1/check?application=x&servicer=" + knownServicer, 400, codeBadParameter},
		{"check on a bad chain", "POST", "/v1/check?relay_chain=x&servicer=" + knownServicer, 400, codeBadParameter},
		{"check of a stranger", "POST", "/v1/check?servicer=" + otherAddress, 404, codeNotInSession},
		{"checks too many", "POST", "/v1/check?relay_chain=0002&servicer=" + knownServicer, 429, codeTooManyChecks},
		{"check with nothing to ask", "POST", "/v1/check?relay_chain=0003&servicer=" + knownServicer, 503, codeNotReady},
		{"check without a fisherman", "POST", "/v1/check?relay_chain=0004&servicer=" + knownServicer, 404, codeNoFisherman},
		{"head", "HEAD", "/v1/status", 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			readers, _, _ := readersAt(23)
			answer := ask(New(Config{}, readers), test.method, test.target)
			expect(t, answer, test.status, test.code)
		})
	}
}

func expect(t *testing.T, answer *httptest.ResponseRecorder, status int, code string) {
	t.Helper()
	if answer.Code != status {
		t.Fatalf("status %d, want %d: %s", answer.Code, status, answer.Body)
	}
	if code == "" {
		return
	}
	conforms(t, "", answer)
	var body refusalView
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
		t.Fatalf("body %q: %v", answer.Body, err)
	}
	if body.Error.Code != code || body.Error.Message == "" {
		t.Errorf("error %+v, want code %q and a message", body.Error, code)
	}
}

// A page of another site cannot make the node do something; programs, and pages of the node itself, can.
func TestOtherSitesCannotAct(t *testing.T) {
	readers, _, _ := readersAt(23)
	server := New(Config{}, readers)
	for _, target := range []string{"/v1/check?servicer=" + knownServicer, "/v1/tx"} {
		for name, test := range map[string]struct {
			header http.Header
			cross  bool
		}{
			"another site":      {http.Header{"Sec-Fetch-Site": {"cross-site"}}, true},
			"another subdomain": {http.Header{"Sec-Fetch-Site": {"same-site"}}, true},
			"an old browser":    {http.Header{"Origin": {"https://other.example"}}, true},
			"another port":      {http.Header{"Origin": {"http://example.com:81"}}, true},
			"no origin":         {http.Header{"Origin": {"null"}}, true},
			"the node's own":    {http.Header{"Origin": {"http://example.com"}, "Sec-Fetch-Site": {"same-origin"}}, false},
			"a program":         {http.Header{}, false},
		} {
			request := httptest.NewRequest(http.MethodPost, target, nil)
			request.Header = test.header
			recorder := httptest.NewRecorder()
			server.ServeHTTP(recorder, request)
			if refused := recorder.Code == http.StatusForbidden && strings.Contains(recorder.Body.String(), codeCrossOrigin); refused != test.cross {
				t.Errorf("%s, %s: %d %s", target, name, recorder.Code, recorder.Body)
			}
		}
	}
}

func TestCheckHasTimeOfItsOwn(t *testing.T) {
	readers, _, _ := readersAt(23)
	server := New(Config{}, readers)
	server.limits.act = time.Millisecond
	expect(t, ask(server, http.MethodPost, "/v1/check?relay_chain=0005&servicer="+knownServicer), 503, codeTimeout)
	body := httptest.NewRequest(http.MethodPost, "/v1/check?servicer="+knownServicer, strings.NewReader("{}"))
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, body)
	expect(t, recorder, 400, codeBadRequest)
}

func TestCheckIsGolden(t *testing.T) {
	readers, _, _ := readersAt(23)
	answer := ask(New(Config{}, readers), http.MethodPost, "/v1/check?relay_chain=0001&servicer="+knownServicer+"&application="+knownApplication)
	path := filepath.Join("testdata", "check.json")
	if *update {
		if err := os.WriteFile(path, answer.Body.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || answer.Body.String() != string(want) {
		t.Errorf("%v: %s", err, answer.Body)
	}
}

func TestFailuresOfTheNode(t *testing.T) {
	quiet := func(Readers, *fakeChain, *fakeQoS) {}
	for _, test := range []struct {
		name, target string
		height       int64
		prepare      func(Readers, *fakeChain, *fakeQoS)
		status       int
		code         string
	}{
		{"status before the first block", "/v1/status", 0, quiet, 200, ""},
		{"health before the first block", "/v1/health", 0, quiet, 200, ""},
		{"version before the first block", "/v1/version", 0, quiet, 200, ""},
		{"ready before the first block", "/v1/ready", 0, quiet, 503, codeNotReady},
		{"params before the first block", "/v1/params", 0, quiet, 503, codeNotReady},
		{"block before the first block", "/v1/block", 0, quiet, 503, codeNotReady},
		{"blocks before the first block", "/v1/blocks", 0, quiet, 503, codeNotReady},
		{"transaction before the first block", "/v1/transaction?hash=" + otherSession, 0, quiet, 503, codeNotReady},
		{"session before the first block", "/v1/session?relay_chain=0001&application=" + knownApplication, 0, quiet, 503, codeNotReady},
		{"actors before the first block", "/v1/actors?type=servicer", 0, quiet, 503, codeNotReady},
		{"samples before the first block", "/v1/qos", 0, quiet, 503, codeNotReady},
		{"window before the first block", "/v1/qos?window=3", 0, quiet, 503, codeNotReady},
		{"window without a fisherman", "/v1/qos?window=3", 9, func(_ Readers, _ *fakeChain, q *fakeQoS) { q.err = ErrNoFisherman }, 404, codeNoFisherman},
		{"evidence before the first block", "/v1/evidence", 0, quiet, 503, codeNotReady},
		{"no fisherman", "/v1/qos", 9, func(_ Readers, _ *fakeChain, q *fakeQoS) { q.err = ErrNoFisherman }, 404, codeNoFisherman},
		{"too late", "/v1/actors?type=servicer", 9, func(_ Readers, c *fakeChain, _ *fakeQoS) { c.err = context.DeadlineExceeded }, 503, codeTimeout},
		{"own failure", "/v1/actors?type=servicer", 9, func(_ Readers, c *fakeChain, _ *fakeQoS) { c.err = errors.New("secret of the node") }, 500, codeInternal},
		{"panic", "/v1/qos", 9, func(_ Readers, _ *fakeChain, q *fakeQoS) { q.panics = true }, 500, codeInternal},
	} {
		t.Run(test.name, func(t *testing.T) {
			readers, chain, samples := readersAt(test.height)
			test.prepare(readers, chain, samples)
			answer := ask(New(Config{}, readers), http.MethodGet, test.target)
			expect(t, answer, test.status, test.code)
			if strings.Contains(answer.Body.String(), "secret") {
				t.Errorf("the answer tells more than it should: %s", answer.Body)
			}
		})
	}
}

func TestRelaysOfNoServicer(t *testing.T) {
	readers, _, _ := readersAt(9)
	readers.Relays = fakeRelays{err: ErrNoServicer}
	for _, target := range []string{"/v1/relays", "/v1/relays/session?session=" + knownSession} {
		expect(t, ask(New(Config{}, readers), http.MethodGet, target), 404, codeNoServicer)
	}
}

func TestFilterReachesTheReader(t *testing.T) {
	readers, _, samples := readersAt(9)
	server := New(Config{}, readers)
	ask(server, http.MethodGet, "/v1/qos")
	ask(server, http.MethodGet, "/v1/qos?session="+knownSession+"&servicer="+knownServicer+"&last=7")
	want := []QoSFilter{{Last: defaultSessions}, {SessionID: knownSession, Servicer: knownServicer, Last: 7}}
	if !slices.Equal(samples.filters, want) {
		t.Errorf("filters %+v, want %+v", samples.filters, want)
	}
	ask(server, http.MethodGet, "/v1/qos?window=10")
	ask(server, http.MethodGet, "/v1/qos?window=24h&servicer="+knownServicer)
	windows := []WindowFilter{{Span: qos.Span{Starts: 10}}, {Span: qos.Span{Age: 24 * time.Hour}, Servicer: knownServicer}}
	if !slices.Equal(samples.windows, windows) {
		t.Errorf("windows %+v, want %+v", samples.windows, windows)
	}
}

func TestNoFishermanIsNull(t *testing.T) {
	readers, _, _ := readersAt(9)
	readers.Status = fakeStatus("")
	answer := ask(New(Config{}, readers), http.MethodGet, "/v1/status")
	if !strings.Contains(answer.Body.String(), `"fisherman":null`) {
		t.Errorf("status %s, want a null fisherman", answer.Body)
	}
}

func TestHeaders(t *testing.T) {
	readers, _, _ := readersAt(9)
	for _, target := range []string{"/v1/status", "/nowhere"} {
		header := ask(New(Config{}, readers), http.MethodGet, target).Header()
		for name, want := range map[string]string{
			"Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
			"Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("GET %s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
	answer := ask(New(Config{}, readers), http.MethodPut, "/v1/status")
	if allow := answer.Header().Get("Allow"); allow != "GET, HEAD" {
		t.Errorf("Allow is %q", allow)
	}
	if head := ask(New(Config{}, readers), http.MethodHead, "/v1/status"); head.Body.Len() != 0 {
		t.Errorf("HEAD has a body: %s", head.Body)
	}
}

func TestBodyIsRefused(t *testing.T) {
	readers, _, _ := readersAt(9)
	recorder := httptest.NewRecorder()
	request := httptest.NewRequest(http.MethodGet, "/v1/status", strings.NewReader("{}"))
	New(Config{}, readers).ServeHTTP(recorder, request)
	expect(t, recorder, 400, codeBadRequest)
}

func TestTransactions(t *testing.T) {
	for _, test := range []struct {
		name, parameters, body string
		status                 int
		code, answer           string
	}{
		{"handed in", "", "tx", 200, "", `{"hash":"abcd","height":0,"code":0,"result":"PENDING","log":""}`},
		{"not waited for", "?wait=false", "tx", 200, "", `"height":0`},
		{"committed", "?wait=true", "tx", 200, "", `{"hash":"abcd","height":24,"code":0,"result":"OK","log":""}`},
		{"failed", "?wait=true", "fails", 200, "", `"code":116,"result":"NOT_OWNER","log":"NOT_OWNER: not yours"`},
		{"refused", "", "refused", 422, "transaction_wrong_sequence", "the next one is 3"},
		{"large", "", strings.Repeat("x", 1<<20), 422, "transaction_too_large", "16385 bytes"},
		{"empty", "", "", 400, codeBadRequest, "empty"},
		{"wait", "?wait=yes", "tx", 400, codeBadParameter, "neither"},
		{"early", "", "early", 503, codeNotReady, "not ready"},
		{"again", "", "again", 409, codeKnownTransaction, "before"},
		{"full", "", "full", 503, codeMempoolFull, "too many"},
		{"own failure", "", "broken", 500, codeInternal, "failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			readers, _, _ := readersAt(23)
			recorder := httptest.NewRecorder()
			request := httptest.NewRequest(http.MethodPost, "/v1/tx"+test.parameters, strings.NewReader(test.body))
			request.Header.Set("Content-Type", "application/x-protobuf")
			New(Config{}, readers).ServeHTTP(recorder, request)
			expect(t, recorder, test.status, test.code)
			if !strings.Contains(recorder.Body.String(), test.answer) {
				t.Errorf("answer %s, want %s", recorder.Body, test.answer)
			}
		})
	}
	readers, _, _ := readersAt(23)
	if allow := ask(New(Config{}, readers), http.MethodPut, "/v1/tx").Header().Get("Allow"); allow != "POST" {
		t.Errorf("Allow is %q", allow)
	}
}

// serve starts a server on loopback and returns its address, and a function that stops it and gives Serve's result.
func serve(t *testing.T, server *Server) (string, func() error) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, listener) }()
	stop := func() error {
		cancel()
		return <-served
	}
	return listener.Addr().String(), stop
}

func TestServeUntilContextEnds(t *testing.T) {
	readers, _, _ := readersAt(9)
	address, stop := serve(t, New(Config{}, readers))
	response, err := http.Get("http://" + address + "/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("status %d", response.StatusCode)
	}
	if err := stop(); err != nil {
		t.Errorf("Serve: %v, want nil at the context's end", err)
	}
	if _, err := net.DialTimeout("tcp", address, time.Second); err == nil {
		t.Error("the port still accepts connections")
	}
}

func TestHostsThatAreAnswered(t *testing.T) {
	readers, _, _ := readersAt(9)
	for host, local := range map[string]bool{
		"localhost": true, "LocalHost:80": true, "127.0.0.1": true, "127.1.2.3:50832": true, "[::1]": true, "[::1]:50832": true,
		"evil.example": false, "evil.example:50832": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false,
		"10.0.0.1": false, "0.0.0.0:50832": false, "": false, "127.0.0.1:50832:1": false,
	} {
		for _, public := range []bool{false, true} {
			request := httptest.NewRequest(http.MethodGet, "/v1/status", nil)
			request.Host = host
			answer := httptest.NewRecorder()
			New(Config{Public: public}, readers).served(t.Context()).ServeHTTP(answer, request)
			if local || public {
				expect(t, answer, 200, "")
			} else {
				expect(t, answer, 421, codeBadHost)
			}
		}
	}
}

// Serve is what asks for the host.
func TestServeRefusesOtherHosts(t *testing.T) {
	readers, _, _ := readersAt(9)
	address, stop := serve(t, New(Config{}, readers))
	defer func() { _ = stop() }()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/v1/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "evil.example"
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("status %d", response.StatusCode)
	}
}

func TestServeReportsALostListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	readers, _, _ := readersAt(9)
	if err := New(Config{}, readers).Serve(t.Context(), listener); err == nil {
		t.Error("Serve returned nil although its listener was closed")
	}
}

func TestLargeHeaderIsRefused(t *testing.T) {
	readers, _, _ := readersAt(9)
	address, stop := serve(t, New(Config{}, readers))
	defer func() { _ = stop() }()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/v1/status", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Large", strings.Repeat("a", 64<<10))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return // the server closed the connection while the header was still being written
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d, want %d", response.StatusCode, http.StatusRequestHeaderFieldsTooLarge)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	readers, _, _ := readersAt(9)
	address, stop := serve(t, New(Config{MaxConnections: 1}, readers))
	defer func() { _ = stop() }()
	status := func(conn net.Conn, wait time.Duration) error {
		_ = conn.SetDeadline(time.Now().Add(wait))
		_, err := conn.Read(make([]byte, 1))
		return err
	}
	dial := func() net.Conn {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	first := dial()
	if err := status(first, 5*time.Second); err != nil {
		t.Fatalf("first connection: %v", err)
	}
	second := dial()
	defer func() { _ = second.Close() }()
	if err := status(second, 100*time.Millisecond); err == nil {
		t.Fatal("a second connection was served beside the first")
	}
	_ = first.Close()
	if err := status(second, 5*time.Second); err != nil {
		t.Errorf("second connection after the first was closed: %v", err)
	}
}

func FuzzQuery(f *testing.F) {
	f.Add("/v1/status", "")
	f.Add("/v1/session", "application="+knownApplication+"&relay_chain=0001&height=9")
	f.Add("/v1/actors", "type=servicer&height=1")
	f.Add("/v1/qos", "session="+knownSession+"&servicer="+knownServicer+"&last=3")
	f.Add("/v1/relays/session", "session="+knownSession+"&from=1&limit=1")
	f.Add("/v1/qos", "session=%00&last=%ff;&&==")
	f.Add("/v1/../v1/qos", "last=1")
	f.Add("/v1/qos", "window=24h&servicer="+knownServicer)
	readers, _, samples := readersAt(23)
	server := New(Config{}, readers)
	f.Fuzz(func(t *testing.T, path, raw string) {
		samples.filters, samples.windows = nil, nil
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		request.URL.Path, request.URL.RawQuery = path, raw
		recorder := httptest.NewRecorder()
		server.ServeHTTP(recorder, request)
		if recorder.Code >= 500 {
			t.Fatalf("GET %q ? %q: status %d: %s", path, raw, recorder.Code, recorder.Body)
		}
		if !json.Valid(recorder.Body.Bytes()) {
			t.Fatalf("GET %q ? %q: not JSON: %q", path, raw, recorder.Body)
		}
		if recorder.Code != http.StatusOK && recorder.Body.Len() > 4096 {
			t.Fatalf("GET %q ? %q: a refusal of %d bytes", path, raw, recorder.Body.Len())
		}
	})
}
