package feed_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/pocket-fisherman/fisherman/feed"
	"github.com/pocket-fisherman/fisherman/feed/outbox"
	"github.com/pocket-fisherman/fisherman/persistence/local"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Variables that make the test binary a fisherman that stores and publishes until it is killed.
const (
	fisherDirectory = "POCKET_TEST_FEED_DIRECTORY"
	fisherServer    = "POCKET_TEST_FEED_SERVER"
)

// serverDirectory is the variable that makes the test binary a NATS server, until its standard input ends.
const serverDirectory = "POCKET_TEST_FEED_NATS"

// serve runs a NATS server and prints its URL.
func serve(dir string) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, JetStream: true, StoreDir: dir, JetStreamMaxStore: 8 << 30})
	if err != nil {
		panic(err)
	}
	s.Start()
	s.ReadyForConnections(time.Minute)
	os.Stdout.WriteString(s.ClientURL() + "\n")
	_, _ = os.Stdin.Read(make([]byte, 1))
	s.Shutdown()
}

// TestMain also runs the fisherman that TestKilledFeed starts and kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv(fisherDirectory); dir != "" {
		if err := fish(dir, os.Getenv(fisherServer)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(serverDirectory); dir != "" {
		serve(dir)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m,
		// A server of NATS that is ended while it makes a stream leaves that stream's store open.
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"))
}

// fish stores a new session and rounds of it while a publisher runs. It prints a line for each round that is acknowledged by the
// store.
func fish(dir, server string) error {
	options := local.DefaultOptions()
	options.Outbox = true
	store, err := local.OpenSamples(dir, options)
	if err != nil {
		return err
	}
	p, err := feed.New(config(store, server))
	if err != nil {
		return err
	}
	ctx := context.Background()
	go p.Run(ctx) // until the process is killed
	sessions, err := store.Sessions(ctx)
	if err != nil {
		return err
	}
	n := len(sessions)
	if err := store.PutSession(ctx, session(n)); err != nil {
		return err
	}
	for index := uint32(0); ; index++ {
		if err := store.PutRound(ctx, round(n, index)); err != nil {
			return err
		}
		fmt.Println(n, index)
		if index%50 == 49 {
			changed := session(n)
			changed.JoinedHeight = int64(index)
			if err := store.PutSession(ctx, changed); err != nil {
				return err
			}
		}
	}
}

// TestKilledFeed: a fisherman is killed again and again while it stores and publishes. In the end each round that its store
// acknowledged is in the stream once, and the statements follow each other. POCKET_TEST_KILLS is how often.
func TestKilledFeed(t *testing.T) {
	kills := 6
	if number, err := strconv.Atoi(os.Getenv("POCKET_TEST_KILLS")); err == nil {
		kills = number
	}
	s, dir := startServer(t, nil), t.TempDir()
	acknowledged := make(map[string]bool)
	program, err := os.Executable()
	must(t, err)
	for range kills {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		fisher := exec.CommandContext(ctx, program)
		fisher.Env = append(os.Environ(), fisherDirectory+"="+dir, fisherServer+"="+s.ClientURL())
		fisher.Stderr = os.Stderr
		output, err := fisher.StdoutPipe()
		must(t, err)
		must(t, fisher.Start())
		// It publishes a few times a second, so that it is killed before, between and while it does.
		lines, killed := bufio.NewScanner(output), time.Now().Add(time.Duration(rand.IntN(700))*time.Millisecond)
		for done := false; lines.Scan(); {
			var n int
			var index uint32
			_, err := fmt.Sscan(lines.Text(), &n, &index)
			must(t, err)
			acknowledged[fmt.Sprint(sessionID(n), " ", index)] = true
			if !done && time.Now().After(killed) {
				done = true
				must(t, fisher.Process.Kill())
			}
		}
		if fisher.Wait() == nil || fisher.ProcessState.ExitCode() != -1 {
			t.Fatalf("the fisherman ended by itself: %v", fisher.ProcessState)
		}
		cancel()
	}
	store := openStore(t, dir, nil)
	p, _ := run(t, config(store, s.ClientURL()))
	emptied(t, p)
	c := read(t, jetStream(t, s), "qos")
	for name, times := range c.rounds {
		if times != 1 {
			t.Errorf("round %s is %d times in the stream", name, times)
		}
	}
	for name := range acknowledged {
		if c.rounds[name] == 0 {
			t.Errorf("round %s was acknowledged and is not in the stream", name)
		}
	}
	if c.missing > 0 || c.unlinked > 0 || len(c.instances) != 1 {
		t.Errorf("%d rounds are said to be missing, %d statements do not follow, %d instances", c.missing, c.unlinked, len(c.instances))
	}
	t.Logf("%d kills, %d rounds acknowledged, %d in the stream", kills, len(acknowledged), len(c.rounds))
}

// BenchmarkSeal is the processor time of sealing a round of 24 servicers.
func BenchmarkSeal(b *testing.B) {
	store := openStore(b, b.TempDir(), nil)
	must(b, store.PutSession(b.Context(), session(0)))
	must(b, store.PutRound(b.Context(), wide(0, 0)))
	flight, err := store.TakeFlight(b.Context(), outbox.Order{Items: 2, Bytes: 1 << 20, Place: "here"})
	must(b, err)
	made := config(store, "nats://127.0.0.1:1")
	p, err := feed.New(made)
	must(b, err)
	defer p.Close()
	b.ReportAllocs()
	for b.Loop() {
		p.Sealed(flight)
	}
}

// wide is a round with 24 servicers.
func wide(n int, index uint32) *types.QoSRound {
	r := round(n, index)
	r.Samples = nil
	for i := range 24 {
		r.Samples = append(r.Samples, &types.QoSSample{Servicer: fmt.Sprintf("%040x", i), ServiceUrl: "https://servicer-" + strconv.Itoa(i) + ".example", Outcome: types.Outcome_OUTCOME_OK,
			SentUnixNano: 1_700_000_000_000_000_000, AnswerDigest: []byte(strings.Repeat("d", 32)), Timing: types.TimingSource_TIMING_SOURCE_KERNEL})
	}
	return r
}
