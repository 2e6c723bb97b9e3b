package node

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/pocket-fisherman/fisherman/collector"
	"github.com/pocket-fisherman/fisherman/feed/broker"
	"github.com/pocket-fisherman/fisherman/feed/protocol"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
	"github.com/pocket-fisherman/fisherman/runtime/groups"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// feeder publishes what a fisherman in a place measures.
type feeder struct {
	t     *testing.T
	js    jetstream.JetStream
	key   crypto.PrivateKey
	place protocol.Place
	// lost are servicers that do not answer here.
	lost map[string]bool
	// ahead is by how much its clock is.
	ahead time.Duration
}

func (f *feeder) publish(content protocol.Content) {
	f.t.Helper()
	f.place.Sequence++
	f.place.SignedUnixNano = time.Now().Add(f.ahead).UnixNano()
	sealed := protocol.Seal(f.key, f.place, content)
	f.place.Previous = sealed.Digest
	if _, err := f.js.Publish(f.t.Context(), sealed.Subject, sealed.Delivery, jetstream.WithMsgID(sealed.MessageID)); err != nil {
		f.t.Fatal(err)
	}
}

// measure publishes a session with a number of rounds, the last of which was asked just now.
func (f *feeder) measure(rounds int) {
	f.t.Helper()
	start := time.Now().Add(-time.Duration(rounds) * time.Second)
	servicers := []string{"a", "b", "c"}
	session := &types.QoSSession{Header: &types.SessionHeader{Id: "eth-1", RelayChain: "eth", StartHeight: start.Unix()}, ChecksPlanned: 20, SamplesRequired: 3,
		NullSamplesAllowed: 2, LatencySla: durationpb.New(time.Second), StartUnixNano: start.UnixNano(), EndUnixNano: start.Add(time.Hour).UnixNano(), JoinedUnixNano: start.UnixNano()}
	for _, name := range servicers {
		session.Servicers = append(session.Servicers, &types.QoSServicer{Address: name, ServiceUrl: "http://" + name})
	}
	encoded, _ := proto.Marshal(session)
	f.publish(protocol.SessionContent("eth-1", 1, encoded))
	for index := range rounds {
		at := start.Add(time.Duration(index) * time.Second).UnixNano()
		round := &types.QoSRound{SessionId: "eth-1", Index: uint32(index), Status: types.RoundStatus_ROUND_STATUS_DONE, PlannedUnixNano: at, ReleasedUnixNano: at, Skew: durationpb.New(0)}
		for _, name := range servicers {
			sample := &types.QoSSample{Servicer: name, ServiceUrl: "http://" + name, Outcome: types.Outcome_OUTCOME_OK, Consistency: types.Consistency_CONSISTENCY_AGREE, SentUnixNano: at,
				RoundTripTime: durationpb.New(20 * time.Millisecond), TimeToFirstByte: durationpb.New(10 * time.Millisecond), Timing: types.TimingSource_TIMING_SOURCE_KERNEL, Answer: types.AnswerClass_ANSWER_CLASS_VALUE}
			if f.lost[name] {
				sample = &types.QoSSample{Servicer: name, ServiceUrl: "http://" + name, Outcome: types.Outcome_OUTCOME_CONNECT, Blame: types.Blame_BLAME_SERVICER, SentUnixNano: at}
			}
			round.Samples = append(round.Samples, sample)
		}
		encoded, _ := proto.Marshal(round)
		content, _ := protocol.RoundContent("eth-1", uint32(index), encoded)
		f.publish(content)
	}
}

// feeders makes fishermen in places, at a NATS server.
func feeders(t *testing.T, address string, places ...string) (list []*feeder, configured []groups.CollectorFisherman) {
	t.Helper()
	conn, err := nats.Connect("nats://" + address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: broker.DefaultStream, Subjects: []string{protocol.AllSubjects}}); err != nil {
		t.Fatal(err)
	}
	for i, name := range places {
		key := crypto.KeyFromSeed([32]byte{byte(i + 1)})
		list = append(list, &feeder{t: t, js: js, key: key, place: protocol.Place{Network: "endpoints", RelayChain: "eth", Name: name + ".example", Instance: [16]byte{byte(i)}}})
		configured = append(configured, groups.CollectorFisherman{Name: name, Key: key.PublicKeyHex()})
	}
	return list, configured
}

func embeddedNATS(t *testing.T) string {
	t.Helper()
	started, err := broker.StartEmbedded(broker.EmbeddedOptions{Directory: t.TempDir(), Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(started.Close)
	return started.Address()
}

// runCollector runs a collector until stop is called, and returns where its API is and what it stores.
func runCollector(t *testing.T, config groups.Collector) (built *Collector, base string, stored <-chan struct{}, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if built, err = NewCollector(CollectorConfig{Collector: config, RPC: listener}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, events, err := built.stream.Listen(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	rounds := make(chan struct{}, 10_000)
	var running sync.WaitGroup
	running.Go(func() {
		for event := range events {
			if event.Kind == api.EventKindRound {
				rounds <- struct{}{}
			}
		}
	})
	running.Go(func() {
		if err := built.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		if err := built.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return built, "http://" + listener.Addr().String(), rounds, stop
}

// awaitTaken waits until a collector has taken statements: it tells of rounds before it has noted what it took.
func awaitTaken(t *testing.T, built *Collector, want uint64) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		taken := uint64(0)
		for _, each := range built.vantages {
			taken += each.State().Taken
		}
		if taken >= want {
			return
		}
		select {
		case <-again.C:
		case <-t.Context().Done():
			t.Fatalf("%d statements were taken, want %d", taken, want)
		}
	}
}

func readJSON[T any](t *testing.T, url string) (read T) {
	t.Helper()
	body := readText(t, url)
	if err := json.Unmarshal([]byte(body), &read); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return read
}

func readText(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func collectorConfig(t *testing.T, address string, fishermen []groups.CollectorFisherman) groups.Collector {
	config := groups.DefaultCollector()
	config.Data, config.Fishermen, config.Feed.NATS = t.TempDir(), fishermen, configs.Servers{secret.Text("nats://" + address)}
	return config
}

// Three places, one of which lost the way to a servicer: its nulls are PATH, the servicer is healthy, and each place is shown.
func TestACollectorMerges(t *testing.T) {
	address := embeddedNATS(t)
	list, fishermen := feeders(t, address, "frankfurt", "tokyo", "virginia")
	list[1].lost = map[string]bool{"c": true}
	list[2].ahead = time.Minute
	config := collectorConfig(t, address, fishermen)
	built, base, stored, stop := runCollector(t, config)
	for _, each := range list {
		each.measure(12)
	}
	for range 36 {
		<-stored
	}
	awaitTaken(t, built, 3*13)
	report := readJSON[api.Report](t, base+"/v1/qos")
	if len(report.Rolling) != 1 || len(report.Rolling[0].Servicers) != 3 || len(report.Sessions) != 3 {
		t.Fatalf("%+v", report)
	}
	for _, row := range report.Rolling[0].Servicers {
		if row.Verdict != api.VerdictHealthy || len(row.Vantages) != 3 {
			t.Errorf("%s: %s (%s), %d places", row.Servicer, row.Verdict, row.Reason, len(row.Vantages))
		}
		if row.Servicer == "c" && (row.Vantages[1].Place != "tokyo" || row.Vantages[1].PathNulls == 0) {
			t.Errorf("%+v", row.Vantages[1])
		}
	}
	status := readJSON[api.Status](t, base+"/v1/status")
	if c := status.Collector; c == nil || c.Problem != api.CollectorProblemNone || len(c.Vantages) != 3 || c.Vantages[0].Taken != 13 || *c.Vantages[1].SaysPlace != "tokyo.example" || c.Vantages[1].Missing != 0 {
		t.Errorf("%+v", status.Collector)
	}
	states := map[string]api.VantageState{}
	for _, each := range status.Vantages {
		states[each.Place] = each.State
	}
	if states["frankfurt"] != api.VantageStateOK || states["tokyo"] != api.VantageStatePath || states["virginia"] != api.VantageStateSkewed {
		t.Errorf("%v", states)
	}
	if *status.Collector.Vantages[2].SkewMS < 55_000 {
		t.Errorf("%v", *status.Collector.Vantages[2].SkewMS)
	}
	metrics := readText(t, base+"/metrics")
	for _, want := range []string{`pocket_collector_statements_total{result="taken",vantage="tokyo"} 13`, `pocket_collector_problem{problem="unreachable"} 0`,
		`pocket_collector_vantage_state{state="path",vantage="tokyo"} 1`, `pocket_collector_vantage_state{state="skewed",vantage="virginia"} 1`,
		`pocket_collector_rejected_total{rejection="signature",vantage="tokyo"} 0`, `pocket_fisherman_rolling_verdict{relay_chain="eth",servicer="c",verdict="healthy"} 1`} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("%s is not in the metrics", want)
		}
	}
	if page := readText(t, base+"/"); !strings.Contains(page, "<html") {
		t.Error("no page")
	}
	if ready := readText(t, base+"/v1/ready"); !strings.Contains(ready, `"ready"`) {
		t.Error(ready)
	}
	stop()

	// What was taken is there after a restart, also without a server.
	config.Feed.NATS = configs.Servers{secret.Text("nats://127.0.0.1:1")}
	_, base, _, _ = runCollector(t, config)
	report = readJSON[api.Report](t, base+"/v1/qos")
	if len(report.Sessions) != 3 || report.Rolling[0].Servicers[2].Samples == 0 {
		t.Errorf("%+v", report)
	}
	if ready := readText(t, base+"/v1/ready"); !strings.Contains(ready, "the feed is not read") {
		t.Error(ready)
	}
}

// The bucket has the merged verdict of each servicer.
func TestACollectorKeepsVerdicts(t *testing.T) {
	address := embeddedNATS(t)
	list, fishermen := feeders(t, address, "frankfurt")
	for _, each := range list {
		each.measure(5)
	}
	bucket, err := list[0].js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "qos_verdicts"})
	if err != nil {
		t.Fatal(err)
	}
	updates, err := bucket.WatchAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	runCollector(t, collectorConfig(t, address, fishermen))
	healthy := make(map[string]bool)
	for len(healthy) < 3 {
		update := <-updates.Updates()
		if update == nil {
			continue // what was there is told
		}
		var verdict collector.Verdict
		if err := json.Unmarshal(update.Value(), &verdict); err != nil || verdict.Network != "endpoints" || update.Key() != collector.VerdictKey("endpoints", "eth", "", verdict.Servicer) {
			t.Fatalf("%v, %s, %+v", err, update.Key(), verdict)
		}
		if verdict.Verdict == api.VerdictHealthy {
			healthy[verdict.Servicer] = true
		}
	}
}

func TestACollectorSharesOutDescriptors(t *testing.T) {
	for descriptors, fishermen := range map[uint64]int{1024: 8, 256: 2, 0: 64} {
		if got, err := collectorBudget(descriptors, fishermen); err != nil || got.api.Most < 8 {
			t.Errorf("%d: %+v, %v", descriptors, got, err)
		}
	}
	if _, err := collectorBudget(1024, 64); err == nil || !strings.Contains(err.Error(), fmt.Sprint(64*storeFiles+otherFiles+8)) {
		t.Error(err)
	}
}
