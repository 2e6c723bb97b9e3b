package rpc

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
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

	"github.com/pocket-fisherman/fisherman/inbound"
	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
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
	case relayChain == "0003":
		return nil, modules.ErrApplicationNew
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
	fakeRounds
	filters []samples.ReportFilter
	windows []samples.WindowFilter
	err     error
	panics  bool
	// changed: the session has another height.
	changed bool
}

func (q *fakeQoS) Report(_ context.Context, filter samples.ReportFilter) (api.Report, error) {
	q.filters = append(q.filters, filter)
	switch {
	case q.panics:
		panic("secret of the node")
	case q.err != nil:
		return api.Report{}, q.err
	case filter.SessionID != "" && filter.SessionID != knownSession:
		return api.Report{}, modules.ErrUnknownSession
	case filter.Servicer != "" && filter.Servicer != knownServicer:
		return api.Report{Rolling: []api.RollingReport{}, Sessions: []api.SessionReport{}}, nil
	}
	rolling := []api.RollingReport{}
	if filter.SessionID == "" {
		rolling = append(rolling, api.RollingReport{RelayChain: "0001", GeoZone: "zone-1", Checks: 30, MaxAgeSeconds: 3600, Servicers: []api.RollingServicer{
			{Standing: api.StandingAsked, Servicer: knownServicer, Running: true, Outcomes: api.Outcomes{}, Verdict: api.VerdictNotAskedYet}}})
	}
	height := int64(20)
	if q.changed {
		height = 30
	}
	return api.Report{Rolling: rolling, Sessions: []api.SessionReport{{ID: knownSession, Height: height, RelayChain: "0001", GeoZone: "zone-1",
		Application: knownApplication, ChecksPlanned: 10, Reasons: []api.Reason{}, Servicers: []api.ServicerReport{servicerRow()}}}}, nil
}

func servicerRow() api.ServicerReport {
	row := api.NewServicerReport(knownServicer, "")
	row.Verdict = api.VerdictUnknown
	return row
}

// fakeRelays keeps three relays of one session.
type fakeRelays struct{ err error }

func (r fakeRelays) Kept(_ context.Context, last int) (api.KeptRelays, error) {
	kept := api.KeptRelays{Servicers: []api.ServicerRelays{{Address: knownServicer, Servicer: knownServicer, Stored: 3, Dropped: 2, Failed: 1}},
		Store: api.RelayStore{Sessions: 5, Relays: 9, Bytes: 1234, EvictedSessions: 4, Failures: 6}, Sessions: []api.SessionRelays{}}
	if last > 1 {
		kept.Sessions = []api.SessionRelays{{Relays: 3, ID: knownSession, StartHeight: 20, RelayChain: "0001",
			GeoZone: "zone-1", Application: knownApplication}}
	}
	return kept, r.err
}

func (r fakeRelays) Relays(_ context.Context, session string, from uint32, limit int) ([]api.KeptRelay, int, error) {
	if r.err != nil || session != knownSession {
		return nil, 0, cmp.Or(r.err, modules.ErrUnknownSession)
	}
	relays := []api.KeptRelay{}
	for place := int(from); place < min(3, int(from)+limit); place++ {
		relays = append(relays, api.KeptRelay{
			Place: int64(place), RequestHash: fmt.Sprintf("01%02x%060d", place, 0), Servicer: knownServicer, Application: knownApplication, Signer: knownFisherman,
			Received: time.Unix(1_700_000_000, 123).UTC(), Answered: time.Unix(1_700_000_000, 456).UTC(), UpstreamStatus: 200,
			Request: []byte("request"), Response: []byte("response"),
		})
	}
	return relays, 3, nil
}

func (q *fakeQoS) Windows(_ context.Context, filter samples.WindowFilter) (api.WindowsReport, error) {
	q.windows = append(q.windows, filter)
	switch {
	case q.panics:
		panic("secret of the node")
	case q.err != nil:
		return api.WindowsReport{}, q.err
	case filter.Servicer != "" && filter.Servicer != knownServicer:
		return api.WindowsReport{Windows: []api.WindowReport{}}, nil
	}
	return api.WindowsReport{Window: filter.Span.String(), RelativeError: qos.RelativeError, Windows: []api.WindowReport{{
		RelayChain: "0001", GeoZone: "zone-1", Applications: []string{}, Sessions: 2, Servicers: []api.WindowServicer{{Standing: api.StandingAsked, Address: knownServicer, Servicer: knownServicer, Sessions: 2,
			Verdicts: api.Verdicts{}, Outcomes: api.Outcomes{}, Verdict: api.VerdictUnknown}}}}}, nil
}

type fakeStatus string

func (s fakeStatus) Fisherman() string { return string(s) }
func (s fakeStatus) Build() api.Version {
	return api.Version{Version: "v1.2.3", Revision: "abcdef", Time: "2026-01-02T03:04:05Z", Go: "go1.26"}
}

func (s fakeStatus) Controls() []api.Control {
	if s == "" {
		return []api.Control{}
	}
	head := int64(1000)
	return []api.Control{{RelayChain: "0001", Fitness: api.ControlFitnessFit, FitnessWord: "fit"},
		{RelayChain: "0021", Fitness: api.ControlFitnessBehind, FitnessWord: "behind", Why: "its head is 1000, and most servicers are at 1062", Head: &head}}
}

// Store of a node whose address says so holds samples in memory.
func (s fakeStatus) Store() *api.Store {
	switch s {
	case "":
		return nil
	case memoryFisherman:
		since := time.Unix(1_700_000_000, 0).UTC()
		return &api.Store{Reason: api.Optional("no space left on device"), Since: &since, Disk: api.Held{Sessions: 3, Rounds: 30, Bytes: 4000},
			Memory: api.Held{Sessions: 2, Rounds: 11, Bytes: 1500}, EvictedSessions: 7, UnreadableSessions: 1, SetAside: api.Optional("/home/samples.damaged-1")}
	}
	return &api.Store{Durable: true, Disk: api.Held{Sessions: 5, Rounds: 50, Bytes: 6000}, EvictedSessions: 2}
}

// Evidence has one piece, and repeats the filter as the next place.
func (q *fakeQoS) Evidence(_ context.Context, filter samples.EvidenceFilter) (api.EvidencePage, error) {
	if filter.SessionID == otherSession {
		return api.EvidencePage{}, modules.ErrUnknownSession
	}
	piece := api.Evidence{Session: api.EvidenceSession{ID: knownSession, StartHeight: 20}, Check: 3, IgnoredFields: []string{}, Votes: []api.EvidenceVote{},
		Sides: []api.EvidenceSide{{Consistency: api.AgreementDisagree, Answer: "<é>", RequestEnvelope: []byte{1, 2}, ResponseEnvelope: []byte{0xff}}}}
	return api.EvidencePage{Evidence: []api.Evidence{piece}, Unkept: filter.Limit, Next: filter.Before}, nil
}

// fakeCheck knows one servicer, and answers by the relay chain.
func fakeCheck(ctx context.Context, wanted CheckRequest) (api.CheckReport, error) {
	switch {
	case wanted.Servicer != knownServicer:
		return api.CheckReport{}, ErrNotInSession
	case wanted.RelayChain == "0002":
		return api.CheckReport{}, ErrTooManyChecks
	case wanted.RelayChain == "0003":
		return api.CheckReport{}, ErrCannotAsk
	case wanted.RelayChain == "0004":
		return api.CheckReport{}, ErrNoFisherman
	case wanted.RelayChain == "0005":
		<-ctx.Done()
		return api.CheckReport{}, ctx.Err()
	}
	ms := 1.5
	sample := api.Sample{Servicer: wanted.Servicer, Outcome: "OK", Connect: &ms}
	sample.AddWords()
	return api.CheckReport{Session: api.EvidenceSession{ID: knownSession, Application: wanted.Application}, Servicer: wanted.Servicer, Verdict: api.CheckVerdictOK,
		Samples: []api.CheckSample{{Sample: sample}}}, nil
}

func readersAt(height int64) (Readers, *fakeChain, *fakeQoS) {
	chain, measured := &fakeChain{height: height}, &fakeQoS{}
	return Readers{Chain: chain, Blocks: fakeBlocks{height: height}, Params: fakeParams, Samples: measured,
		Events: fakeEvents{}, History: fakeHistory, Status: fakeStatus(knownFisherman), Relays: fakeRelays{}, Accounts: fakeAccounts{}, Addresses: fakeAddresses{}, Members: fakeMembers,
		Broadcast: fakeBroadcast, Check: fakeCheck}, chain, measured
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
		"history":        "/v1/qos/history?servicer=" + knownServicer + "&relay_chain=0001&geo_zone=zone-1&from=2026-01-02T03:04:05Z&to=2026-01-02T04:04:05Z&step=15m",
		"history_all":    "/v1/qos/history?last=30d",
		"rounds":         "/v1/qos/rounds?session=" + knownSession + "&servicer=" + knownServicer,
		"rounds_page":    "/v1/qos/rounds?from=1&limit=1&session=" + knownSession,
		"evidence":       "/v1/evidence?limit=7&before_check=4&before_session=" + knownSession,
		"account":        "/v1/account?address=" + knownServicer,
		"relays":         "/v1/relays",
		"relays_none":    "/v1/relays?last=1",
		"relays_page":    "/v1/relays/session?session=" + knownSession + "&from=1&limit=1",
		"relays_last":    "/v1/relays/session?session=" + knownSession + "&from=2",
		"addresses":      "/v1/addresses?prefix=0000&limit=2",
		"addresses_role": "/v1/addresses?role=fisherman",
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
		code                 api.ErrorCode
	}{
		{"unknown path", "GET", "/v1/nothing", 404, api.ErrorCodeUnknownPath},
		{"path of another case", "GET", "/V1/status", 404, api.ErrorCodeUnknownPath},
		{"trailing slash", "GET", "/v1/status/", 404, api.ErrorCodeUnknownPath},
		{"post", "POST", "/v1/status", 405, api.ErrorCodeMethodNotAllowed},
		{"delete", "DELETE", "/v1/qos", 405, api.ErrorCodeMethodNotAllowed},
		{"unknown parameter", "GET", "/v1/status?verbose=1", 400, api.ErrorCodeBadParameter},
		{"repeated parameter", "GET", session + knownApplication + "&application=" + knownApplication, 400, api.ErrorCodeBadParameter},
		{"empty parameter", "GET", "/v1/qos?session=", 400, api.ErrorCodeBadParameter},
		{"broken query", "GET", "/v1/qos?session=%zz", 400, api.ErrorCodeBadParameter},
		{"semicolons", "GET", "/v1/qos?session=1;last=2", 400, api.ErrorCodeBadParameter},
		{"missing application", "GET", "/v1/session?relay_chain=0001", 400, api.ErrorCodeBadParameter},
		{"missing chain", "GET", "/v1/session?application=" + knownApplication, 400, api.ErrorCodeBadParameter},
		{"bad application", "GET", session + "AA", 400, api.ErrorCodeBadParameter},
		{"bad chain", "GET", "/v1/session?relay_chain=1&application=" + knownApplication, 400, api.ErrorCodeBadParameter},
		{"height zero", "GET", session + knownApplication + "&height=0", 400, api.ErrorCodeBadParameter},
		{"height negative", "GET", session + knownApplication + "&height=-1", 400, api.ErrorCodeBadParameter},
		{"height not a number", "GET", session + knownApplication + "&height=1e3", 400, api.ErrorCodeBadParameter},
		{"height beyond 64 bits", "GET", session + knownApplication + "&height=9223372036854775808", 400, api.ErrorCodeBadParameter},
		{"height ahead", "GET", session + knownApplication + "&height=25", 404, api.ErrorCodeHeightUnavailable},
		{"height next", "GET", session + knownApplication + "&height=24", 200, ""},
		{"unknown application", "GET", session + otherAddress, 404, api.ErrorCodeUnknownApplication},
		{"application new", "GET", "/v1/session?relay_chain=0003&application=" + knownApplication, 404, api.ErrorCodeApplicationNew},
		{"chain not staked", "GET", "/v1/session?relay_chain=0002&application=" + knownApplication, 404, api.ErrorCodeChainNotStaked},
		{"missing type", "GET", "/v1/actors", 400, api.ErrorCodeBadParameter},
		{"unknown type", "GET", "/v1/actors?type=portal", 400, api.ErrorCodeBadParameter},
		{"unspecified type", "GET", "/v1/actors?type=unspecified", 400, api.ErrorCodeBadParameter},
		{"actors ahead", "GET", "/v1/actors?type=servicer&height=24", 404, api.ErrorCodeHeightUnavailable},
		{"missing address", "GET", "/v1/account", 400, api.ErrorCodeBadParameter},
		{"bad address", "GET", "/v1/account?address=x", 400, api.ErrorCodeBadParameter},
		{"account ahead", "GET", "/v1/account?height=24&address=" + knownServicer, 404, api.ErrorCodeHeightUnavailable},
		{"transaction by GET", "GET", "/v1/tx", 405, api.ErrorCodeMethodNotAllowed},
		{"transaction without type", "POST", "/v1/tx", 415, api.ErrorCodeBadRequest},
		{"transaction with parameters", "POST", "/v1/tx?height=1", 400, api.ErrorCodeBadParameter},
		{"bad session", "GET", "/v1/qos?session=12", 400, api.ErrorCodeBadParameter},
		{"unknown session", "GET", "/v1/qos?session=" + otherSession, 404, api.ErrorCodeUnknownSession},
		{"known session", "GET", "/v1/qos?session=" + knownSession, 200, ""},
		{"unknown servicer", "GET", "/v1/qos?servicer=" + otherAddress, 404, api.ErrorCodeUnknownServicer},
		{"relays of none", "GET", "/v1/relays/session", 400, api.ErrorCodeBadParameter},
		{"relays of a bad session", "GET", "/v1/relays/session?session=12", 400, api.ErrorCodeBadParameter},
		{"relays of an unknown session", "GET", "/v1/relays/session?session=" + otherSession, 404, api.ErrorCodeUnknownSession},
		{"relays beyond the end", "GET", "/v1/relays/session?from=9&session=" + knownSession, 200, ""},
		{"relays from below", "GET", "/v1/relays/session?from=-1&session=" + knownSession, 400, api.ErrorCodeBadParameter},
		{"relays from beyond 32 bits", "GET", "/v1/relays/session?from=4294967296&session=" + knownSession, 400, api.ErrorCodeBadParameter},
		{"no relays", "GET", "/v1/relays/session?limit=0&session=" + knownSession, 400, api.ErrorCodeBadParameter},
		{"too many relays", "GET", "/v1/relays/session?limit=1001&session=" + knownSession, 400, api.ErrorCodeBadParameter},
		{"too many sessions of relays", "GET", "/v1/relays?last=1001", 400, api.ErrorCodeBadParameter},
		{"params ahead", "GET", "/v1/params?height=24", 404, api.ErrorCodeHeightUnavailable},
		{"block of height zero", "GET", "/v1/block?height=0", 400, api.ErrorCodeBadParameter},
		{"the newest block", "GET", "/v1/block", 200, ""},
		{"block ahead", "GET", "/v1/block?height=24", 404, api.ErrorCodeHeightUnavailable},
		{"blocks ahead", "GET", "/v1/blocks?from=24", 200, ""},
		{"blocks of the end of numbers", "GET", "/v1/blocks?from=9223372036854775807&limit=100", 200, ""},
		{"too many blocks", "GET", "/v1/blocks?limit=101", 400, api.ErrorCodeBadParameter},
		{"no hash", "GET", "/v1/transaction", 400, api.ErrorCodeBadParameter},
		{"bad hash", "GET", "/v1/transaction?hash=" + strings.Repeat("AB", 32), 400, api.ErrorCodeBadParameter},
		{"unknown hash", "GET", "/v1/transaction?hash=" + otherSession, 404, api.ErrorCodeUnknownTransaction},
		{"hash in another block", "GET", "/v1/transaction?height=8&hash=" + hashOf(fakeTransactions()[0]), 404, api.ErrorCodeUnknownTransaction},
		{"hash in its block", "GET", "/v1/transaction?height=7&hash=" + hashOf(fakeTransactions()[0]), 200, ""},
		{"hash in a block ahead", "GET", "/v1/transaction?height=24&hash=" + otherSession, 404, api.ErrorCodeHeightUnavailable},
		{"rounds of none", "GET", "/v1/qos/rounds", 400, api.ErrorCodeBadParameter},
		{"rounds of an unknown session", "GET", "/v1/qos/rounds?session=" + otherSession, 404, api.ErrorCodeUnknownSession},
		{"rounds of an unknown servicer", "GET", "/v1/qos/rounds?session=" + knownSession + "&servicer=" + otherAddress, 404, api.ErrorCodeUnknownServicer},
		{"rounds beyond the end", "GET", "/v1/qos/rounds?from=9&session=" + knownSession, 200, ""},
		{"rounds from beyond 32 bits", "GET", "/v1/qos/rounds?from=4294967296&session=" + knownSession, 400, api.ErrorCodeBadParameter},
		{"no rounds", "GET", "/v1/qos/rounds?limit=0&session=" + knownSession, 400, api.ErrorCodeBadParameter},
		{"too many rounds", "GET", "/v1/qos/rounds?limit=1001&session=" + knownSession, 400, api.ErrorCodeBadParameter},
		{"events with parameters", "GET", "/v1/qos/events?session=" + knownSession, 400, api.ErrorCodeBadParameter},
		{"events by POST", "POST", "/v1/qos/events", 405, api.ErrorCodeMethodNotAllowed},
		{"head of events", "HEAD", "/v1/qos/events", 200, ""},
		{"last zero", "GET", "/v1/qos?last=0", 400, api.ErrorCodeBadParameter},
		{"last too many", "GET", "/v1/qos?last=1001", 400, api.ErrorCodeBadParameter},
		{"last", "GET", "/v1/qos?last=1000", 200, ""},
		{"window", "GET", "/v1/qos?window=10", 200, ""},
		{"window of a servicer", "GET", "/v1/qos?window=90m&servicer=" + knownServicer, 200, ""},
		{"window of an unknown servicer", "GET", "/v1/qos?window=10&servicer=" + otherAddress, 404, api.ErrorCodeUnknownServicer},
		{"window of nothing", "GET", "/v1/qos?window=0", 400, api.ErrorCodeBadParameter},
		{"window of words", "GET", "/v1/qos?window=yesterday", 400, api.ErrorCodeBadParameter},
		{"window and session", "GET", "/v1/qos?window=10&session=" + knownSession, 400, api.ErrorCodeBadParameter},
		{"window and rolling", "GET", "/v1/qos?window=10&rolling=30", 400, api.ErrorCodeBadParameter},
		{"rolling and session", "GET", "/v1/qos?rolling=30&session=" + knownSession, 400, api.ErrorCodeBadParameter},
		{"more checks than are kept", "GET", "/v1/qos?rolling=101", 400, api.ErrorCodeBadParameter},
		{"rolling over days", "GET", "/v1/qos?rolling=48h", 400, api.ErrorCodeBadParameter},
		{"rolling over nothing", "GET", "/v1/qos?rolling=", 400, api.ErrorCodeBadParameter},
		{"window and last", "GET", "/v1/qos?window=10&last=3", 400, api.ErrorCodeBadParameter},
		{"evidence", "GET", "/v1/evidence", 200, ""},
		{"evidence of a check", "GET", "/v1/evidence?check=0&servicer=" + knownServicer, 200, ""},
		{"evidence of an unknown session", "GET", "/v1/evidence?session=" + otherSession, 404, api.ErrorCodeUnknownSession},
		{"evidence of a bad check", "GET", "/v1/evidence?check=-1", 400, api.ErrorCodeBadParameter},
		{"check beyond 32 bits", "GET", "/v1/evidence?check=4294967296", 400, api.ErrorCodeBadParameter},
		{"too much evidence", "GET", "/v1/evidence?limit=101", 400, api.ErrorCodeBadParameter},
		{"half a place", "GET", "/v1/evidence?before_check=1", 400, api.ErrorCodeBadParameter},
		{"the other half", "GET", "/v1/evidence?before_session=" + knownSession, 400, api.ErrorCodeBadParameter},
		{"check", "POST", "/v1/check?servicer=" + knownServicer, 200, ""},
		{"check by GET", "GET", "/v1/check?servicer=" + knownServicer, 405, api.ErrorCodeMethodNotAllowed},
		{"check of nobody", "POST", "/v1/check", 400, api.ErrorCodeBadParameter},
		{"check of a bad address", "POST", "/v1/check?servicer=x", 400, api.ErrorCodeBadParameter},
		{"check for a bad application", "POST", "/v1/check?application=x&servicer=" + knownServicer, 400, api.ErrorCodeBadParameter},
		{"check on a bad chain", "POST", "/v1/check?relay_chain=x&servicer=" + knownServicer, 400, api.ErrorCodeBadParameter},
		{"check of a stranger", "POST", "/v1/check?servicer=" + otherAddress, 404, api.ErrorCodeNotInSession},
		{"checks too many", "POST", "/v1/check?relay_chain=0002&servicer=" + knownServicer, 429, api.ErrorCodeTooManyChecks},
		{"check with nothing to ask", "POST", "/v1/check?relay_chain=0003&servicer=" + knownServicer, 503, api.ErrorCodeNotReady},
		{"check without a fisherman", "POST", "/v1/check?relay_chain=0004&servicer=" + knownServicer, 404, api.ErrorCodeNoFisherman},
		{"head", "HEAD", "/v1/status", 200, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			readers, _, _ := readersAt(23)
			answer := ask(New(Config{}, readers), test.method, test.target)
			expect(t, answer, test.status, test.code)
		})
	}
}

func expect(t *testing.T, answer *httptest.ResponseRecorder, status int, code api.ErrorCode) {
	t.Helper()
	if answer.Code != status {
		t.Fatalf("status %d, want %d: %s", answer.Code, status, answer.Body)
	}
	if code == "" {
		return
	}
	conforms(t, "", answer)
	var body api.Error
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
			if refused := recorder.Code == http.StatusForbidden && strings.Contains(recorder.Body.String(), string(api.ErrorCodeCrossOrigin)); refused != test.cross {
				t.Errorf("%s, %s: %d %s", target, name, recorder.Code, recorder.Body)
			}
		}
	}
}

func TestCheckHasTimeOfItsOwn(t *testing.T) {
	readers, _, _ := readersAt(23)
	server := New(Config{}, readers)
	server.limits.act = time.Millisecond
	expect(t, ask(server, http.MethodPost, "/v1/check?relay_chain=0005&servicer="+knownServicer), 503, api.ErrorCodeTimeout)
	body := httptest.NewRequest(http.MethodPost, "/v1/check?servicer="+knownServicer, strings.NewReader("{}"))
	recorder := httptest.NewRecorder()
	server.ServeHTTP(recorder, body)
	expect(t, recorder, 400, api.ErrorCodeBadRequest)
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
		code         api.ErrorCode
	}{
		{"status before the first block", "/v1/status", 0, quiet, 200, ""},
		{"health before the first block", "/v1/health", 0, quiet, 200, ""},
		{"version before the first block", "/v1/version", 0, quiet, 200, ""},
		{"ready before the first block", "/v1/ready", 0, quiet, 503, api.ErrorCodeNotReady},
		{"params before the first block", "/v1/params", 0, quiet, 503, api.ErrorCodeNotReady},
		{"block before the first block", "/v1/block", 0, quiet, 503, api.ErrorCodeNotReady},
		{"blocks before the first block", "/v1/blocks", 0, quiet, 503, api.ErrorCodeNotReady},
		{"transaction before the first block", "/v1/transaction?hash=" + otherSession, 0, quiet, 503, api.ErrorCodeNotReady},
		{"session before the first block", "/v1/session?relay_chain=0001&application=" + knownApplication, 0, quiet, 503, api.ErrorCodeNotReady},
		{"actors before the first block", "/v1/actors?type=servicer", 0, quiet, 503, api.ErrorCodeNotReady},
		{"samples before the first block", "/v1/qos", 0, quiet, 503, api.ErrorCodeNotReady},
		{"window before the first block", "/v1/qos?window=3", 0, quiet, 503, api.ErrorCodeNotReady},
		{"evidence before the first block", "/v1/evidence", 0, quiet, 503, api.ErrorCodeNotReady},
		{"too late", "/v1/actors?type=servicer", 9, func(_ Readers, c *fakeChain, _ *fakeQoS) { c.err = context.DeadlineExceeded }, 503, api.ErrorCodeTimeout},
		{"own failure", "/v1/actors?type=servicer", 9, func(_ Readers, c *fakeChain, _ *fakeQoS) { c.err = errors.New("secret of the node") }, 500, api.ErrorCodeInternal},
		{"panic", "/v1/qos", 9, func(_ Readers, _ *fakeChain, q *fakeQoS) { q.panics = true }, 500, api.ErrorCodeInternal},
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

// A node answers for what runs in it.
func TestNodeWithoutFishermanOrServicer(t *testing.T) {
	readers, _, _ := readersAt(9)
	readers.Samples, readers.Events, readers.Relays = nil, nil, nil
	for target, code := range map[string]api.ErrorCode{
		"/v1/qos":                                api.ErrorCodeNoFisherman,
		"/v1/qos?window=3":                       api.ErrorCodeNoFisherman,
		"/v1/qos/rounds?session=" + knownSession: api.ErrorCodeNoFisherman,
		"/v1/qos/events":                         api.ErrorCodeNoFisherman,
		"/v1/evidence":                           api.ErrorCodeNoFisherman,
		"/v1/relays":                             api.ErrorCodeNoServicer,
		"/v1/relays/session?session=" + knownSession: api.ErrorCodeNoServicer,
	} {
		expect(t, ask(New(Config{}, readers), http.MethodGet, target), 404, code)
	}
}

func TestFilterReachesTheReader(t *testing.T) {
	readers, _, measured := readersAt(9)
	server := New(Config{}, readers)
	ask(server, http.MethodGet, "/v1/qos")
	ask(server, http.MethodGet, "/v1/qos?session="+knownSession+"&servicer="+knownServicer+"&last=7")
	ask(server, http.MethodGet, "/v1/qos?rolling=50,2h")
	want := []samples.ReportFilter{{Last: defaultSessions}, {SessionID: knownSession, Servicer: knownServicer, Last: 7},
		{Last: defaultSessions, Rolling: qos.RollingSpan{Checks: 50, Age: 2 * time.Hour}}}
	if !slices.Equal(measured.filters, want) {
		t.Errorf("filters %+v, want %+v", measured.filters, want)
	}
	ask(server, http.MethodGet, "/v1/qos?window=10")
	ask(server, http.MethodGet, "/v1/qos?window=24h&servicer="+knownServicer)
	windows := []samples.WindowFilter{{Span: qos.Span{Starts: 10}}, {Span: qos.Span{Age: 24 * time.Hour}, Servicer: knownServicer}}
	if !slices.Equal(measured.windows, windows) {
		t.Errorf("windows %+v, want %+v", measured.windows, windows)
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
	expect(t, recorder, 400, api.ErrorCodeBadRequest)
}

func TestTransactions(t *testing.T) {
	for _, test := range []struct {
		name, parameters, body string
		status                 int
		code                   api.ErrorCode
		answer                 string
	}{
		{"handed in", "", "tx", 200, "", `{"hash":"abcd","height":0,"code":0,"result":"PENDING","log":"","result_word":"pending"}`},
		{"not waited for", "?wait=false", "tx", 200, "", `"height":0`},
		{"committed", "?wait=true", "tx", 200, "", `{"hash":"abcd","height":24,"code":0,"result":"OK","log":"","result_word":"ok"}`},
		{"failed", "?wait=true", "fails", 200, "", `"code":116,"result":"NOT_OWNER","log":"NOT_OWNER: not yours"`},
		{"refused", "", "refused", 422, "transaction_wrong_sequence", "the next one is 3"},
		{"large", "", strings.Repeat("x", 1<<20), 422, "transaction_too_large", "16385 bytes"},
		{"empty", "", "", 400, api.ErrorCodeBadRequest, "empty"},
		{"wait", "?wait=yes", "tx", 400, api.ErrorCodeBadParameter, "neither"},
		{"early", "", "early", 503, api.ErrorCodeNotReady, "not ready"},
		{"again", "", "again", 409, api.ErrorCodeKnownTransaction, "before"},
		{"full", "", "full", 503, api.ErrorCodeMempoolFull, "too many"},
		{"own failure", "", "broken", 500, api.ErrorCodeInternal, "failed"},
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
				expect(t, answer, 421, api.ErrorCodeBadHost)
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

// While the only connection is answered, another one waits; when it is idle it makes room.
func TestConnectionsAreBounded(t *testing.T) {
	readers, _, _ := readersAt(9)
	asked, letGo := make(chan struct{}), make(chan struct{})
	readers.Params = func(context.Context, int64) (json.RawMessage, error) {
		close(asked)
		<-letGo
		return json.RawMessage("{}"), nil
	}
	address, stop := serve(t, New(Config{Connections: inbound.Bounds{Most: 1}}, readers))
	defer func() { _ = stop() }()
	status := func(conn net.Conn, wait time.Duration) error {
		_ = conn.SetDeadline(time.Now().Add(wait))
		_, err := conn.Read(make([]byte, 1))
		return err
	}
	dial := func(path string) net.Conn {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	first := dial("/v1/params")
	defer func() { _ = first.Close() }()
	<-asked
	second := dial("/v1/status")
	defer func() { _ = second.Close() }()
	if err := status(second, 100*time.Millisecond); err == nil {
		t.Fatal("a second connection was served beside the first")
	}
	close(letGo)
	if err := status(first, 5*time.Second); err != nil {
		t.Fatalf("first connection: %v", err)
	}
	if err := status(second, 5*time.Second); err != nil {
		t.Errorf("second connection after the first was answered: %v", err)
	}
}

// As many idle connections as there may be, each with a request behind it, keep nobody out (they blocked health and metrics
// for a minute).
func TestIdleConnectionsKeepNobodyOut(t *testing.T) {
	readers, _, _ := readersAt(9)
	address, stop := serve(t, New(Config{}, readers))
	defer func() { _ = stop() }()
	for i := range DefaultConnections().Most + 8 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := io.WriteString(conn, "GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if response, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("connection %d: %v, %v", i, response, err)
		}
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
