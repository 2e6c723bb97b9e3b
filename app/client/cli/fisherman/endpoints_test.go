package fisherman

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	unsigned "github.com/pocket-fisherman/fisherman/network/endpoints/evidence"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/rpc"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// began is when the session of these tests begins.
var began = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// groupSession is a session of the group "ethereum", with a target for each kind of row.
func groupSession() (*types.QoSSession, []*types.QoSRound) {
	header := &types.SessionHeader{Id: strings.Repeat("5e", 32), StartHeight: began.Unix(), RelayChain: "ethereum", Application: "ethereum"}
	session := &types.QoSSession{Header: header, Blocks: 300, ChecksPlanned: 4, LatencySla: durationpb.New(300 * time.Millisecond), SamplesRequired: 3,
		Closed: true, JoinedHeight: began.Unix(), JoinedUnixNano: began.UnixNano(), Catalogue: "evm-values",
		StartUnixNano: began.UnixNano(), EndUnixNano: began.Add(5 * time.Minute).UnixNano(),
		Servicers: []*types.QoSServicer{
			{Address: "own-node", ServiceUrl: "https://own.example", ChainIdentity: "1", ClientVersion: "Geth/v1.17.4"},
			{Address: "provider-a", ServiceUrl: "https://a.example", ChainIdentity: "1"},
			{Address: "liar", ServiceUrl: "https://liar.example", ChainIdentity: "1"},
			{Address: "busy", ServiceUrl: "https://busy.example", Standing: types.Standing_STANDING_UNIDENTIFIED},
			{Address: "polygon", ServiceUrl: "https://polygon.example", ChainIdentity: "137", Standing: types.Standing_STANDING_OTHER_CHAIN},
		}}
	var rounds []*types.QoSRound
	for index := range uint32(4) {
		rounds = append(rounds, groupRound(header.Id, index))
	}
	return session, rounds
}

// groupRound is a check in which one target lies and one is throttled.
func groupRound(session string, index uint32) *types.QoSRound {
	at := began.Add(time.Duration(index) * time.Minute).UnixNano()
	question := types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":7,"method":"eth_getBlockByNumber","params":["0x3",false]}`)}
	round := &types.QoSRound{SessionId: session, Index: index, Status: types.RoundStatus_ROUND_STATUS_DONE, PlannedUnixNano: at, ReleasedUnixNano: at,
		Skew: durationpb.New(time.Millisecond), Question: "block number=3"}
	for _, name := range []string{"busy", "liar", "own-node", "provider-a"} {
		sample := &types.QoSSample{Servicer: name, ServiceUrl: "https://" + name + ".example", Outcome: types.Outcome_OUTCOME_OK, SentUnixNano: at,
			RoundTripTime: durationpb.New(4 * time.Millisecond), ReusedConnection: true, Consistency: types.Consistency_CONSISTENCY_AGREE}
		body := `{"jsonrpc":"2.0","id":7,"result":{"hash":"0x1"}}`
		switch name {
		case "liar":
			body, sample.Consistency = `{"jsonrpc":"2.0","id":7,"result":{"hash":"0x2"}}`, types.Consistency_CONSISTENCY_DISAGREE
		case "busy":
			round.Samples = append(round.Samples, &types.QoSSample{Servicer: name, ServiceUrl: sample.ServiceUrl, Outcome: types.Outcome_OUTCOME_THROTTLED, Detail: "asked to wait 30s"})
			continue
		}
		digest := verify.Read(question.JSONRPC, 200, []byte(body), types.CompareForm_COMPARE_FORM_JSON).Digest
		sample.AnswerDigest, sample.RequestEnvelope, sample.ResponseEnvelope = digest[:], unsigned.Request(question), []byte(body)
		round.Samples = append(round.Samples, sample)
	}
	return round
}

// endpointsStatus is what such a node is.
type endpointsStatus struct{}

func (endpointsStatus) Fisherman() string       { return "" }
func (endpointsStatus) Store() *api.Store       { return &api.Store{Durable: true} }
func (endpointsStatus) Controls() []api.Control { return []api.Control{} }
func (endpointsStatus) Build() api.Version      { return api.Version{Version: "v1"} }

// endpointsNode serves the API of a fisherman that samples a list of endpoints, from a store on the disk.
func endpointsNode(t *testing.T) string {
	t.Helper()
	store, err := local.OpenSamples(t.TempDir(), local.DefaultOptions())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	session, rounds := groupSession()
	for _, err := range store.PutAll(t.Context(), []*types.QoSSession{session}, rounds) {
		if err != nil {
			t.Fatal(err)
		}
	}
	reader := samples.NewReader(store, samples.NewRolling(), samples.Prover{Of: unsigned.Of})
	server := httptest.NewServer(rpc.New(rpc.Config{}, rpc.Readers{
		Network: rpc.Endpoints(func() []api.Group { return []api.Group{{Name: "ethereum", Targets: 5}} }, nil),
		Samples: reader, Events: samples.NewStream(store, slog.New(slog.DiscardHandler)), Status: endpointsStatus{},
		Check: func(_ context.Context, wanted rpc.CheckRequest) (api.CheckReport, error) {
			if wanted.Servicer == "nobody" || wanted.RelayChain != "" && wanted.RelayChain != "ethereum" {
				return api.CheckReport{}, rpc.ErrNotInSession
			}
			report := samples.Check(wanted.Servicer, groupRound(session.Header.Id, 0), nil)
			report.Session = api.EvidenceSession{ID: session.Header.Id, RelayChain: "ethereum", Application: "ethereum"}
			return report, nil
		},
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func run(t *testing.T, node string, args ...string) (command.ExitCode, string, string) {
	t.Helper()
	return commandtest.Pocket(t, New, append(append([]string{"fisherman"}, args...), "--node", node)...)
}

func TestQoSOfAList(t *testing.T) {
	node := endpointsNode(t)
	for name, args := range map[string][]string{"sessions": {"qos"}, "a window": {"qos", "--window", "10"}, "one target": {"qos", "--servicer", "busy"}} {
		code, text, stderr := run(t, node, args...)
		for _, want := range []string{"group ethereum", "TARGET", "THROTTLED", "throttled in 4 of 4 checks: 0 samples, 3 needed"} {
			if code != 0 || !strings.Contains(text, want) {
				t.Errorf("%s: exit code %d, no %q in\n%s%s", name, code, want, text, stderr)
			}
		}
		for _, word := range []string{"SERVICER", "height", "zone", "application"} {
			if strings.Contains(text, word) {
				t.Errorf("%s: %q in\n%s", name, word, text)
			}
		}
	}
	if _, text, _ := run(t, node, "qos"); !strings.Contains(text, "other chain 137, most are on 1") || !strings.Contains(text, "from 2026-05-04T12:00:00Z to 2026-05-04T12:05:00Z, complete (group ethereum, questions evm-values)") {
		t.Errorf("%s", text)
	}
}

func TestCSVOfAList(t *testing.T) {
	_, text, _ := run(t, endpointsNode(t), "qos", "--output", "csv")
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 6 {
		t.Fatalf("%v: %s", err, text)
	}
	value := make(map[string]map[string]string)
	for _, row := range rows[1:] {
		named := make(map[string]string)
		for i, name := range rows[0] {
			named[name] = row[i]
		}
		value[named["servicer"]] = named
	}
	for _, test := range []struct{ target, column, want string }{
		{"busy", "throttled", "4"}, {"busy", "standing", "unidentified"}, {"busy", "null_samples", "0"}, {"busy", "void", "0"},
		{"polygon", "standing", "other_chain"}, {"polygon", "chain_identity", "137"}, {"own-node", "client_version", "Geth/v1.17.4"},
		{"own-node", "standing", "asked"}, {"own-node", "throttled", "0"}, {"liar", "catalogue", "evm-values"},
		{"liar", "started", "2026-05-04T12:00:00Z"}, {"liar", "ended", "2026-05-04T12:05:00Z"}, {"liar", "geo_zone", ""},
	} {
		if got := value[test.target][test.column]; got != test.want {
			t.Errorf("%s of %s is %q, want %q", test.column, test.target, got, test.want)
		}
	}
}

func TestCheckOfATarget(t *testing.T) {
	node := endpointsNode(t)
	for name, test := range map[string]struct {
		args []string
		code command.ExitCode
		want string
	}{
		"well":        {[]string{"own-node"}, command.ExitOK, "ok  target own-node"},
		"by flag":     {[]string{"--servicer", "own-node", "--chain", "ethereum"}, command.ExitOK, "session     " + strings.Repeat("5e", 32) + " (group ethereum)"},
		"lying":       {[]string{"liar"}, command.ExitCheckFailed, "of 4 targets 2 agree, 1 disagree"},
		"throttled":   {[]string{"busy"}, command.ExitFailure, "throttled  target busy"},
		"unknown":     {[]string{"nobody"}, command.ExitNotFound, ""},
		"other group": {[]string{"own-node", "--chain", "solana"}, command.ExitNotFound, ""},
	} {
		code, text, stderr := run(t, node, append([]string{"check"}, test.args...)...)
		if code != test.code || !strings.Contains(text, test.want) || strings.Contains(text, "signature") || strings.Contains(strings.ToLower(text), "servicer") {
			t.Errorf("%s: exit code %d\n%s%s", name, code, text, stderr)
		}
	}
	_, text, _ := run(t, node, "check", "own-node", "--output", "json")
	var result checkResult
	if err := json.Unmarshal([]byte(text), &result); err != nil || result.Check.Network != api.NetworkEndpoints || result.Check.Samples[2].Signature != "" {
		t.Errorf("%v: %s", err, text)
	}
}

// What can be a name on no network is refused before anybody is asked.
func TestNamesOfNoNetwork(t *testing.T) {
	for _, name := range []string{"", "a\x1b[2J", "a\nb", strings.Repeat("n", 129), "\xff"} {
		for _, args := range [][]string{{"qos", "--servicer", name}, {"evidence", "--servicer", name}, {"watch", "--application", name}, {"watch", "--chain", name},
			{"check", "--servicer", name}, {"check", name}, {"check", "a", "--chain", name}, {"check", "a", "--application", name}} {
			code, _, stderr := run(t, "http://127.0.0.1:1", args...)
			if code != command.ExitUsage || strings.ContainsAny(stderr, "\x1b") || strings.Count(stderr, "\n") != 1 || len(stderr) > 500 {
				t.Errorf("%q: exit code %d, %q", args, code, stderr)
			}
		}
	}
	for _, args := range [][]string{{"check", "a", "b"}, {"check", "a", "--servicer", "a"}, {"check", "--url", "http://a.example", "--servicer", "own-node"},
		{"check", "--url", "http://a.example", "--chain", "ethereum"}} {
		if code, _, stderr := run(t, "http://127.0.0.1:1", args...); code != command.ExitUsage {
			t.Errorf("%q: exit code %d, %q", args, code, stderr)
		}
	}
	if code, _, stderr := run(t, "http://127.0.0.1:1", "qos", "--servicer", strings.Repeat("n", 128)); code != command.ExitUnreachable {
		t.Errorf("a long name: exit code %d, %q", code, stderr)
	}
}

func TestUnsignedEvidence(t *testing.T) {
	node, dir := endpointsNode(t), t.TempDir()
	code, text, stderr := run(t, node, "evidence", "--servicer", "liar", "--limit", "2")
	for _, want := range []string{"unsigned: shows what we received, proves it to nobody", "TARGET", `liar answered`, `"0x2"`} {
		if code != 0 || !strings.Contains(text, want) {
			t.Errorf("exit code %d, no %q in\n%s%s", code, want, text, stderr)
		}
	}
	file := filepath.Join(dir, "evidence.json")
	if code, _, stderr := run(t, node, "evidence", "--out", file); code != 0 {
		t.Fatal(stderr)
	}
	verified := func(path string) (command.ExitCode, string, string) {
		return commandtest.Pocket(t, New, "fisherman", "verify", path)
	}
	code, text, stderr = verified(file)
	if code != command.ExitUntrusted || !strings.Contains(text, "4 pieces do not contradict themselves, and are unsigned.\nIt proves nothing") ||
		strings.Contains(text, "FAILED") || strings.Contains(text, "signed its answer") || !strings.Contains(stderr, "4 of 4 pieces of evidence are unsigned and prove nothing") {
		t.Errorf("exit code %d\n%s%s", code, text, stderr)
	}
	_, text, _ = commandtest.Pocket(t, New, "fisherman", "verify", file, "--output", "json")
	if strings.Contains(text, `"verified": true`) || strings.Count(text, `"proof": "unsigned"`) != 4 {
		t.Errorf("%s", text)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, forge := range map[string]func(string) string{
		"an answer": func(s string) string { return strings.Replace(s, `\"0x2\"`, `\"0x1\"`, 1) },
		"a name":    func(s string) string { return strings.Replace(s, `"servicer": "liar"`, `"servicer": "own-node"`, 1) },
		"the note":  func(s string) string { return strings.Replace(s, "proves it to nobody", "proves it to all", 1) },
		"the proof": func(s string) string { return strings.Replace(s, `      "proof": "unsigned",`+"\n", "", 1) },
	} {
		forged := filepath.Join(dir, "forged.json")
		changed := forge(string(whole))
		if changed == string(whole) {
			t.Fatalf("%s is not changed in\n%s", name, whole)
		}
		if err := os.WriteFile(forged, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if code, text, stderr := verified(forged); code != command.ExitEvidence {
			t.Errorf("%s forged: exit code %d\n%s%s", name, code, text, stderr)
		}
	}
}
