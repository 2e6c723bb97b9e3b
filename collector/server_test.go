package collector

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/pocket-fisherman/fisherman/feed/broker"
	"github.com/pocket-fisherman/fisherman/feed/protocol"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// natsServer is a NATS server in this process.
type natsServer struct {
	t       *testing.T
	options server.Options
	server  *server.Server
	conn    *nats.Conn
	js      jetstream.JetStream
}

// newServer starts a server with JetStream and the feed's stream.
func newServer(t *testing.T, change func(*server.Options)) *natsServer {
	b := &natsServer{t: t, options: server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
		MaxPayload: 2 << 20}}
	if change != nil {
		change(&b.options)
	}
	b.start()
	t.Cleanup(b.stop)
	return b
}

func (b *natsServer) start() {
	b.t.Helper()
	options := b.options
	started, err := server.NewServer(&options)
	if err != nil {
		b.t.Fatal(err)
	}
	go started.Start()
	if !started.ReadyForConnections(20 * time.Second) {
		b.t.Fatal("the server does not start")
	}
	b.server = started
	b.options.Port = started.Addr().(*net.TCPAddr).Port
	if b.conn, err = nats.Connect(b.url("").Reveal()); err != nil {
		b.t.Fatal(err)
	}
	if b.js, err = jetstream.New(b.conn); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.js.CreateOrUpdateStream(b.t.Context(), jetstream.StreamConfig{Name: "qos", Subjects: []string{protocol.AllSubjects}}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *natsServer) stop() {
	b.conn.Close()
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// url is where a user reaches the server; the publisher if the name is empty.
func (b *natsServer) url(user string) secret.Secret {
	if len(b.options.Users) == 0 {
		return secret.New(fmt.Sprintf("nats://127.0.0.1:%d", b.options.Port))
	}
	return secret.New(fmt.Sprintf("nats://%s:%[1]s@127.0.0.1:%d", cmp.Or(user, "publisher"), b.options.Port))
}

// connect connects a collector as a user.
func (b *natsServer) connect(user string) *broker.Connection {
	b.t.Helper()
	connection, err := broker.Connect(broker.Options{URLs: []secret.Secret{b.url(user)}, Name: "collector"})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(connection.Close)
	return connection
}

func (b *natsServer) publish(messages ...Message) {
	b.t.Helper()
	for _, message := range messages {
		if _, err := b.js.Publish(b.t.Context(), message.Subject, message.Data); err != nil {
			b.t.Fatal(err)
		}
	}
}

// logged passes on what is logged.
type logged chan string

func (l logged) Enabled(context.Context, slog.Level) bool { return true }
func (l logged) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l logged) WithGroup(string) slog.Handler            { return l }
func (l logged) Handle(_ context.Context, record slog.Record) error {
	line := record.Message
	record.Attrs(func(attr slog.Attr) bool {
		line += fmt.Sprintf(" %s=%v", attr.Key, attr.Value)
		return true
	})
	select {
	case l <- line:
	default:
	}
	return nil
}

// running is a collector that runs.
type running struct {
	*Collector
	t     *testing.T
	log   logged
	heard chan string
	stop  func()
}

// run runs a collector of a home until stop is called.
func run(t *testing.T, h *home, connection *broker.Connection, change func(*Config)) *running {
	r := &running{t: t, log: make(logged, 1000), heard: make(chan string, 10_000)}
	config := Config{Connection: connection, Stream: "qos", Identity: "us", Intake: h.intake, Logger: slog.New(r.log), patience: time.Second, pause: 10 * time.Millisecond, deadline: time.Second}
	if change != nil {
		change(&config)
	}
	h.intake.hooks.Round = func(v *Vantage, round *types.QoSRound) {
		r.heard <- fmt.Sprintf("%s %s/%d", v.Name, round.GetSessionId(), round.GetIndex())
	}
	r.Collector = New(config)
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { r.Run(ctx) })
	r.stop = sync.OnceFunc(func() { cancel(); ended.Wait() })
	t.Cleanup(r.stop)
	return r
}

// expect waits until rounds were told of, in any order.
func (r *running) expect(rounds ...string) {
	r.t.Helper()
	missing := slices.Clone(rounds)
	for len(missing) > 0 {
		select {
		case heard := <-r.heard:
			at := slices.Index(missing, heard)
			if at < 0 {
				r.t.Fatalf("heard %s, which was not expected", heard)
			}
			missing = slices.Delete(missing, at, at+1)
		case <-time.After(time.Minute):
			r.t.Fatalf("%q are missing; %+v; pending %d", missing, r.Status(), *r.Status().Pending)
		}
	}
}

// logs waits until something is logged.
func (r *running) logs(want string) {
	r.t.Helper()
	for {
		select {
		case line := <-r.log:
			if contains(line, want) {
				return
			}
		case <-time.After(time.Minute):
			r.t.Fatalf("%q is not logged; %+v", want, r.Status())
		}
	}
}
