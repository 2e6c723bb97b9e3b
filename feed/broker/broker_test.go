package broker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/pocket-fisherman/fisherman/feed/broker"
	"github.com/pocket-fisherman/fisherman/shared/secret"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// A server of NATS that is ended while it makes a stream leaves that stream's store open.
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"))
}

// startServer starts a server like an operator's.
func startServer(t *testing.T, change func(*server.Options)) *server.Server {
	t.Helper()
	options := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(),
		JetStreamMaxStore: 8 << 30} // whatever the disk has
	if change != nil {
		change(options)
	}
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}

func connect(t *testing.T, o broker.Options) *broker.Connection {
	t.Helper()
	c, err := broker.Connect(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func to(url string) broker.Options { return broker.Options{URLs: []secret.Secret{secret.New(url)}} }

var want = broker.Stream{Name: "qos", Subjects: "qos.v1.>", MaxMessage: 1 << 20}

// TestEnsure: a stream is made, found again, and what is wrong with another's is said with the fix.
func TestEnsure(t *testing.T) {
	s := startServer(t, nil)
	c := connect(t, to(s.ClientURL()))
	ctx := t.Context()
	if err := c.Ensure(ctx, want); err != nil {
		t.Fatal(err)
	}
	if err := c.Ensure(ctx, want); err != nil {
		t.Errorf("found again: %v", err)
	}
	policy := jetstream.DiscardNew
	strict := want
	strict.MaxAge, strict.MaxBytes, strict.Replicas, strict.Discard = time.Hour, 1<<20, 3, &policy
	err := c.Ensure(ctx, strict)
	limits, is := errors.AsType[*broker.LimitsError](err)
	if !is || len(limits.Problems) != 4 {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{"nats stream edit qos --replicas=3", "nats stream edit qos --max-age=1h0m0s", "nats stream edit qos --max-bytes=1048576", "nats stream edit qos --discard=new"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v\ndoes not say %s", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Error("the error is more than one line")
	}

	for name, c1 := range map[string]struct {
		config jetstream.StreamConfig
		want   string
	}{
		"subjects":    {jetstream.StreamConfig{Subjects: []string{"other.>"}}, "--subjects"},
		"retention":   {jetstream.StreamConfig{Retention: jetstream.WorkQueuePolicy}, "feed.stream"},
		"messages":    {jetstream.StreamConfig{MaxMsgs: 5}, "--max-msgs=-1"},
		"per subject": {jetstream.StreamConfig{MaxMsgsPerSubject: 5}, "--max-msgs-per-subject=-1"},
		"size":        {jetstream.StreamConfig{MaxMsgSize: 500}, "--max-msg-size=-1"},
	} {
		config := c1.config
		config.Name = "other"
		mine := want
		mine.Name, mine.Subjects = "other", "mine.v1.>"
		if config.Subjects == nil {
			config.Subjects = []string{"mine.>"}
		}
		if _, err := c.JetStream().CreateStream(ctx, config); err != nil {
			t.Fatal(err)
		}
		if err := c.Ensure(ctx, mine); err == nil || !strings.Contains(err.Error(), c1.want) {
			t.Errorf("%s: %v, want %s", name, err, c1.want)
		}
		if err := c.JetStream().DeleteStream(ctx, "other"); err != nil {
			t.Fatal(err)
		}
	}
	overlapping := want
	overlapping.Name = "second"
	if err := c.Ensure(ctx, overlapping); err == nil || !strings.Contains(err.Error(), "another stream") {
		t.Errorf("overlapping: %v", err)
	}
	replicated := broker.Stream{Name: "third", Subjects: "third.>", Replicas: 3}
	if err := c.Ensure(ctx, replicated); err == nil || !strings.Contains(err.Error(), "feed.replicas") {
		t.Errorf("replicas of a single server: %v", err)
	}
	huge := broker.Stream{Name: "fourth", Subjects: "fourth.>", MaxBytes: 1 << 60}
	if err := c.Ensure(ctx, huge); err == nil || !strings.Contains(err.Error(), "feed.max_bytes") {
		t.Errorf("too large: %v", err)
	}
}

// TestSmallServer: without configuration, a server with little room has a smaller stream.
func TestSmallServer(t *testing.T) {
	s := startServer(t, func(o *server.Options) { o.JetStreamMaxStore = 1 << 30 })
	c := connect(t, to(s.ClientURL()))
	if err := c.Ensure(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	stream, err := c.JetStream().Stream(t.Context(), "qos")
	if err != nil || stream.CachedInfo().Config.MaxBytes != broker.LeastMaxBytes {
		t.Errorf("%v, %+v", err, stream)
	}
}

func TestNoJetStream(t *testing.T) {
	s := startServer(t, func(o *server.Options) { o.JetStream = false })
	if err := connect(t, to(s.ClientURL())).Ensure(t.Context(), want); !errors.Is(err, broker.ErrNoJetStream) {
		t.Errorf("got %v", err)
	}
}

// await returns once a connection has a problem.
func await(t *testing.T, c *broker.Connection, wanted broker.Problem) string {
	t.Helper()
	for {
		problem, reason, changed := c.State()
		if problem == wanted {
			return reason
		}
		select {
		case <-changed:
		case <-time.After(time.Minute):
			t.Fatalf("problem %d (%s), want %d", problem, reason, wanted)
		}
	}
}

// TestRefused: a wrong password is said to be refused, and neither the log nor the reason repeats it.
func TestRefused(t *testing.T) {
	s := startServer(t, func(o *server.Options) { o.Username, o.Password = "fisherman", "right-password" })
	var log strings.Builder
	o := to(strings.Replace(s.ClientURL(), "nats://", "nats://fisherman:wrong-password@", 1))
	o.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	c := connect(t, o)
	reason := await(t, c, broker.ProblemRefused)
	c.Close()
	if said := reason + log.String(); strings.Contains(said, "password") || !strings.Contains(log.String(), "refuses the credentials") {
		t.Errorf("said %q", said)
	}
	right := connect(t, to(strings.Replace(s.ClientURL(), "nats://", "nats://fisherman:right-password@", 1)))
	await(t, right, broker.ProblemNone)
}

// TestServerComesLater: a connection is made once there is a server, and again after it was lost.
func TestServerComesLater(t *testing.T) {
	s := startServer(t, nil)
	url := s.ClientURL()
	s.Shutdown()
	s.WaitForShutdown()
	c := connect(t, to(url))
	if reason := await(t, c, broker.ProblemUnreachable); reason == "" {
		t.Error("no reason")
	}
	var number int
	if _, err := fmt.Sscanf(url, "nats://127.0.0.1:%d", &number); err != nil {
		t.Fatal(err)
	}
	again := startServer(t, func(o *server.Options) { o.Port = number })
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Await(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Ensure(ctx, want); err != nil {
		t.Error(err)
	}
	again.Shutdown()
	await(t, c, broker.ProblemUnreachable)
}

// TestEmbedded: an embedded server listens on loopback only, and keeps its stream.
func TestEmbedded(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "192.0.2.1:4222", ":4222", "127.0.0.1", "host.example:4222", "127.0.0.1:99999", "[::]:1"} {
		if _, err := broker.StartEmbedded(broker.EmbeddedOptions{Directory: t.TempDir(), Listen: address}); err == nil {
			t.Errorf("it listens at %s", address)
		}
	}
	dir := t.TempDir()
	for range 2 {
		e, err := broker.StartEmbedded(broker.EmbeddedOptions{Directory: dir, Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		c := connect(t, broker.Options{Embedded: e})
		if err := c.Await(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.Ensure(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		ack, err := c.JetStream().Publish(t.Context(), "qos.v1.a.b.c", []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		t.Log("stored as", ack.Sequence)
		outside := connect(t, to("nats://"+e.Address()))
		if err := outside.Await(t.Context()); err != nil {
			t.Fatal(err)
		}
		outside.Close()
		c.Close()
		e.Close()
	}
	e, err := broker.StartEmbedded(broker.EmbeddedOptions{Directory: dir, Listen: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	c := connect(t, broker.Options{Embedded: e})
	stream, err := c.JetStream().Stream(t.Context(), "qos")
	if err != nil || stream.CachedInfo().State.Msgs != 2 {
		t.Errorf("%v, %+v", err, stream)
	}
}
