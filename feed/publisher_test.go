package feed_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pocket-fisherman/fisherman/feed"
	"github.com/pocket-fisherman/fisherman/feed/broker"
	"github.com/pocket-fisherman/fisherman/feed/outbox"
	"github.com/pocket-fisherman/fisherman/feed/protocol"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/secret"
)

var key = crypto.KeyFromSeed([32]byte{9})

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// startServer starts a server like an operator's.
func startServer(t testing.TB, change func(*server.Options)) *server.Server {
	t.Helper()
	options := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(),
		JetStreamMaxStore: 8 << 30} // whatever the disk has
	if change != nil {
		change(options)
	}
	s, err := server.NewServer(options)
	must(t, err)
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

func openStore(t testing.TB, dir string, change func(*local.Options)) *local.Samples {
	t.Helper()
	options := local.DefaultOptions()
	options.Outbox = true
	if change != nil {
		change(&options)
	}
	s, err := local.OpenSamples(dir, options)
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func sessionID(n int) string { return fmt.Sprintf("%064x", n) }

func session(n int) *types.QoSSession {
	return &types.QoSSession{Header: &types.SessionHeader{Id: sessionID(n), StartHeight: int64(n), RelayChain: fmt.Sprintf("%04X", 0x21+n%2)}, Blocks: 4, JoinedUnixNano: int64(n)}
}

func round(n int, index uint32) *types.QoSRound {
	return &types.QoSRound{SessionId: sessionID(n), Index: index, Status: types.RoundStatus_ROUND_STATUS_DONE, Question: "block",
		Samples: []*types.QoSSample{{Servicer: strings.Repeat("a", 40), Outcome: types.Outcome_OUTCOME_OK}}}
}

// put stores a session with rounds of the first indices.
func put(t testing.TB, s *local.Samples, n, rounds int) {
	t.Helper()
	var all []*types.QoSRound
	for index := range rounds {
		all = append(all, round(n, uint32(index)))
	}
	for _, err := range s.PutAll(context.Background(), []*types.QoSSession{session(n)}, all) {
		must(t, err)
	}
}

func config(store feed.Outbox, url string) feed.Config {
	return feed.Config{Outbox: store, Key: key, Network: func(string) string { return "test" }, Place: "here",
		Broker: broker.Options{URLs: []secret.Secret{secret.New(url)}}}
}

// run publishes until the returned function is called, or the test ends.
func run(t testing.TB, config feed.Config) (p *feed.Publisher, stop func()) {
	t.Helper()
	p, err := feed.New(config)
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); p.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			<-done
			p.Close()
		}
	}
	t.Cleanup(stop)
	return p, stop
}

// eventually returns once a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("in vain: " + what)
		}
	}
}

// emptied returns once nothing waits to be published.
func emptied(t testing.TB, p *feed.Publisher) {
	t.Helper()
	eventually(t, "the outbox is empty", func() bool {
		s := p.Status(context.Background())
		return s.State == feed.StatePublishing && s.Waiting.Rounds+s.Waiting.Sessions+s.Waiting.Gaps == 0
	})
}

// content is what a stream holds.
type content struct {
	rounds    map[string]int
	missing   uint64
	messages  int
	instances map[string]bool
	// places are the names of the vantage points.
	places map[string]bool
	// unlinked counts statements that do not follow the one before of their subject.
	unlinked int
}

// read reads a stream, and checks that every message is signed and under its subject.
func read(t testing.TB, js jetstream.JetStream, name string) content {
	t.Helper()
	ctx := context.Background()
	stream, err := js.Stream(ctx, name)
	must(t, err)
	info, err := stream.Info(ctx)
	must(t, err)
	c := content{rounds: make(map[string]int), instances: make(map[string]bool), places: make(map[string]bool)}
	last := make(map[string]*protocol.Opened)
	trusted := func(publicKey []byte) bool { return bytes.Equal(publicKey, key.PublicKey()) }
	for at := info.State.FirstSeq; at <= info.State.LastSeq && at > 0; at++ {
		message, err := stream.GetMsg(ctx, at)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		must(t, err)
		opened, err := protocol.Open(message.Subject, message.Data, trusted)
		must(t, err)
		c.messages++
		c.instances[string(opened.GetInstance())], c.places[opened.GetPlace()] = true, true
		before := last[message.Subject]
		if before != nil && (opened.GetSequence() != before.GetSequence()+1 || !bytes.Equal(opened.GetPrevious(), before.Digest[:])) {
			c.unlinked++
		}
		last[message.Subject] = opened
		if r := opened.GetRound(); r != nil {
			c.rounds[fmt.Sprint(r.GetSessionId(), " ", r.GetIndex())]++
		}
		c.missing += opened.GetGap().GetRounds()
	}
	return c
}

// jetStream returns a client of a server.
func jetStream(t testing.TB, s *server.Server) jetstream.JetStream {
	t.Helper()
	c, err := broker.Connect(broker.Options{URLs: []secret.Secret{secret.New(s.ClientURL())}})
	must(t, err)
	t.Cleanup(c.Close)
	must(t, c.Await(context.Background()))
	return c.JetStream()
}

// wantOnce checks that a stream has that many rounds, each once, and nothing out of place.
func (c content) wantOnce(t testing.TB, rounds int) {
	t.Helper()
	if len(c.rounds) != rounds || c.unlinked > 0 || len(c.instances) > 1 {
		t.Errorf("%d rounds of %d, %d statements that do not follow, %d instances", len(c.rounds), rounds, c.unlinked, len(c.instances))
	}
	for name, times := range c.rounds {
		if times != 1 {
			t.Errorf("round %s is %d times in the stream", name, times)
		}
	}
}

// TestPublish: what is stored before and while the publisher runs is in the stream once, signed and linked.
func TestPublish(t *testing.T) {
	s, store := startServer(t, nil), openStore(t, t.TempDir(), nil)
	put(t, store, 0, 100)
	p, _ := run(t, config(store, s.ClientURL()))
	put(t, store, 1, 100)
	emptied(t, p)
	put(t, store, 2, 3)
	emptied(t, p)
	read(t, jetStream(t, s), "qos").wantOnce(t, 203)
	if counts := p.Status(t.Context()).Counts; counts.Published != 206 || counts.Resent+counts.Refused+counts.Gaps+counts.Foreign != 0 {
		t.Errorf("counted %+v", counts)
	}
}

// TestNoServerAtStart: without a server sampling goes on, and all is published once there is one. What had to be removed meanwhile is
// said to be missing.
func TestNoServerAtStart(t *testing.T) {
	gone := startServer(t, nil)
	url := gone.ClientURL()
	var port int
	_, err := fmt.Sscanf(url, "nats://127.0.0.1:%d", &port)
	must(t, err)
	gone.Shutdown()
	gone.WaitForShutdown()
	store := openStore(t, t.TempDir(), func(o *local.Options) { o.MaxSessions = 2 })
	p, _ := run(t, config(store, url))
	for n := range 5 {
		put(t, store, n, 10)
	}
	eventually(t, "it is seen", func() bool {
		status := p.Status(t.Context())
		return status.State == feed.StateUnreachable && status.Reason != "" && status.Waiting.Rounds == 20 && status.Waiting.OldestUnixNano > 0 && status.Waiting.EvictedRounds == 30
	})
	s := startServer(t, func(o *server.Options) { o.Port = port })
	emptied(t, p)
	c := read(t, jetStream(t, s), "qos")
	c.wantOnce(t, 20)
	if c.missing != 30 {
		t.Errorf("%d rounds are said to be missing, want 30", c.missing)
	}
	if counts := p.Status(t.Context()).Counts; counts.Gaps != 3 || counts.MissingRounds != 30 {
		t.Errorf("counted %+v", counts)
	}
}

// crashing is an outbox in front of a crash: nothing that is published is ever noted.
type crashing struct {
	*local.Samples
	landed chan struct{}
}

func (c crashing) LandFlight(ctx context.Context, _ [outbox.InstanceSize]byte, _ uint64, _ map[string]outbox.Position) error {
	close(c.landed)
	<-ctx.Done()
	return ctx.Err()
}

// TestCrashAfterPublishing: what was published and not noted is sent again in the same bytes, and is in the stream once, also when the
// server does not remember its ids any more. The place of the vantage point may have been renamed meanwhile.
func TestCrashAfterPublishing(t *testing.T) {
	s, dir := startServer(t, nil), t.TempDir()
	js := jetStream(t, s)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "qos", Subjects: []string{protocol.AllSubjects}, Duplicates: 100 * time.Millisecond})
	must(t, err)
	store := openStore(t, dir, nil)
	put(t, store, 0, 30)
	put(t, store, 1, 10)
	landed := make(chan struct{})
	_, stop := run(t, config(crashing{store, landed}, s.ClientURL()))
	<-landed
	stop()
	must(t, store.Close())
	<-time.After(200 * time.Millisecond) // the server forgets the ids
	store = openStore(t, dir, nil)
	renamed := config(store, s.ClientURL())
	renamed.Place = "there"
	p, _ := run(t, renamed)
	emptied(t, p)
	put(t, store, 2, 1)
	emptied(t, p)
	c := read(t, js, "qos")
	c.wantOnce(t, 41)
	if len(c.places) != 2 {
		t.Errorf("places %v", c.places)
	}
}

// TestStreamFull: a full stream is shown, what waits stays in the outbox, and goes when there is room.
func TestStreamFull(t *testing.T) {
	s, store := startServer(t, nil), openStore(t, t.TempDir(), nil)
	js := jetStream(t, s)
	discard := jetstream.DiscardNew
	limited := config(store, s.ClientURL())
	limited.Stream = broker.Stream{MaxBytes: 20_000, Discard: &discard}
	p, _ := run(t, limited)
	put(t, store, 0, 200)
	eventually(t, "the stream is full", func() bool { return p.Status(t.Context()).State == feed.StateFull })
	if status := p.Status(t.Context()); status.Refused == 0 || status.Waiting.Rounds == 0 || !strings.Contains(status.Reason, "max_bytes") {
		t.Errorf("%+v", status)
	}
	stream, err := js.Stream(t.Context(), "qos")
	must(t, err)
	larger := stream.CachedInfo().Config
	larger.MaxBytes = 1 << 20
	_, err = js.UpdateStream(t.Context(), larger)
	must(t, err)
	emptied(t, p)
	c := read(t, js, "qos")
	c.unlinked = 0 // late ones
	c.wantOnce(t, 200)
}

// TestWrongLimits: a stream with other limits is shown with the fix, and used once it is mended.
func TestWrongLimits(t *testing.T) {
	s, store := startServer(t, nil), openStore(t, t.TempDir(), nil)
	js := jetStream(t, s)
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "qos", Subjects: []string{protocol.AllSubjects}, MaxAge: time.Hour})
	must(t, err)
	strict := config(store, s.ClientURL())
	strict.Stream.MaxAge = 24 * time.Hour
	p, _ := run(t, strict)
	put(t, store, 0, 5)
	eventually(t, "it is seen", func() bool { return p.Status(t.Context()).State == feed.StateStream })
	if reason := p.Status(t.Context()).Reason; !strings.Contains(reason, "nats stream edit qos --max-age=24h0m0s") {
		t.Errorf("reason %q", reason)
	}
	_, err = js.UpdateStream(t.Context(), jetstream.StreamConfig{Name: "qos", Subjects: []string{protocol.AllSubjects}, MaxAge: 24 * time.Hour})
	must(t, err)
	emptied(t, p)
	read(t, js, "qos").wantOnce(t, 5)
}

// TestCredentialsRefused: samples wait, and it is said why.
func TestCredentialsRefused(t *testing.T) {
	s := startServer(t, func(o *server.Options) { o.Username, o.Password = "a", "secret-word" })
	store := openStore(t, t.TempDir(), nil)
	p, _ := run(t, config(store, strings.Replace(s.ClientURL(), "nats://", "nats://a:wrong-word@", 1)))
	put(t, store, 0, 5)
	eventually(t, "it is seen", func() bool { return p.Status(t.Context()).State == feed.StateRefused })
	if status := p.Status(t.Context()); status.Waiting.Rounds != 5 || strings.Contains(status.Reason, "word") {
		t.Errorf("%+v", status)
	}
}

// TestLargeRound: a round that no message holds is said to be missing, and keeps nothing up.
func TestLargeRound(t *testing.T) {
	s, store := startServer(t, nil), openStore(t, t.TempDir(), nil)
	p, _ := run(t, config(store, s.ClientURL()))
	put(t, store, 0, 1)
	large, enveloped := round(0, 1), round(0, 2)
	large.Question = strings.Repeat("x", protocol.MaxContent)
	enveloped.Samples[0].ResponseEnvelope = make([]byte, 2<<20)
	must(t, store.PutRound(t.Context(), large))
	must(t, store.PutRound(t.Context(), enveloped))
	emptied(t, p)
	c := read(t, jetStream(t, s), "qos")
	c.wantOnce(t, 2)
	if c.missing != 1 {
		t.Errorf("%d rounds are missing, want 1", c.missing)
	}
}

// TestServerRestarts: while a server comes and goes, every round arrives once.
func TestServerRestarts(t *testing.T) {
	dir := t.TempDir()
	s := startServer(t, func(o *server.Options) { o.StoreDir = dir })
	var port int
	_, err := fmt.Sscanf(s.ClientURL(), "nats://127.0.0.1:%d", &port)
	must(t, err)
	store := openStore(t, t.TempDir(), nil)
	p, _ := run(t, config(store, s.ClientURL()))
	for n := range 3 {
		put(t, store, n, 150)
		s.Shutdown()
		s.WaitForShutdown()
		s = startServer(t, func(o *server.Options) { o.StoreDir, o.Port = dir, port })
	}
	emptied(t, p)
	c := read(t, jetStream(t, s), "qos")
	c.unlinked = 0 // late ones
	c.wantOnce(t, 450)
}

// TestEmbedded: without a server of one's own, the stream is in the process.
func TestEmbedded(t *testing.T) {
	store := openStore(t, t.TempDir(), nil)
	mine := config(store, "")
	mine.Broker, mine.Embedded = broker.Options{}, &broker.EmbeddedOptions{Directory: t.TempDir(), Listen: "127.0.0.1:0"}
	p, _ := run(t, mine)
	put(t, store, 0, 5)
	emptied(t, p)
	c, err := broker.Connect(broker.Options{URLs: []secret.Secret{secret.New("nats://" + p.Address())}})
	must(t, err)
	defer c.Close()
	must(t, c.Await(t.Context()))
	read(t, c.JetStream(), "qos").wantOnce(t, 5)
}
