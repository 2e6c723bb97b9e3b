package round_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/round"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// inNamespace is set in the environment of the process that has a network of its own.
const inNamespace = "POCKET_TEST_IN_NAMESPACE"

// Twelve servicers answer at once over a link of 100 or 8 Mbit/s, or one without a limit. The test runs in a process with a
// network namespace of its own, and the servicers have another one; both end with the process.
func TestOurLinkIsNotTheirLatency(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		t.Skip("this is the process that TestInNamespace runs in")
	}
	for _, tool := range []string{"ip", "tc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("only root may make network namespaces")
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInNamespace$", "-test.v")
	command.Env = append(os.Environ(), inNamespace+"=1")
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		t.Errorf("%v\n%s", err, &output)
	case err != nil:
		t.Skipf("no network namespace: %v", err)
	case strings.Contains(output.String(), "--- SKIP"):
		t.Skip(&output)
	}
}

func TestInNamespace(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		t.Skip("TestOurLinkIsNotTheirLatency runs it in a network namespace")
	}
	network := newFarNetwork(t)
	const kib = 1 << 10
	for _, test := range []struct {
		name         string
		rate         string // of the link; no limit without one
		size         int
		sla, timeout time.Duration
		// cause of the check that is void; none when it is done.
		cause types.Cause
		// timed: round-trip times count. withheld: one servicer never answers.
		timed, withheld bool
	}{
		{name: "large", rate: "100mbit", size: 256 * kib, sla: 100 * time.Millisecond, timeout: 3 * time.Second},
		{name: "medium", rate: "100mbit", size: 60 * kib, sla: 20 * time.Millisecond, timeout: 3 * time.Second},
		{name: "small", rate: "100mbit", size: kib, sla: time.Second, timeout: 3 * time.Second, timed: true},
		{name: "larger than the link", rate: "8mbit", size: 1000 * kib, sla: 100 * time.Millisecond, timeout: time.Second, cause: types.Cause_CAUSE_SATURATED},
		{name: "large, one withheld", rate: "100mbit", size: 256 * kib, sla: 100 * time.Millisecond, timeout: time.Second, withheld: true},
		{name: "large, no limit", size: 256 * kib, sla: 100 * time.Millisecond, timeout: 3 * time.Second},
		{name: "medium, no limit", size: 60 * kib, sla: time.Second, timeout: 3 * time.Second, timed: true},
		{name: "largest, no limit, one withheld", size: 1000 * kib, sla: 100 * time.Millisecond, timeout: time.Second, withheld: true},
	} {
		network.limit(t, test.rate)
		record := network.check(t, test.size, test.sla, test.timeout, test.withheld)
		if record.Cause != test.cause {
			t.Errorf("%s: %v, %s", test.name, record.Status, record.Reason)
		}
		for i, sample := range record.Samples {
			want := types.Outcome_OUTCOME_OK
			switch {
			case test.cause != types.Cause_CAUSE_UNSPECIFIED:
				want = types.Outcome_OUTCOME_VOID
			case test.withheld && i == 0:
				want = types.Outcome_OUTCOME_TIMEOUT
			}
			late := sample.RoundTripTime.AsDuration() > test.sla
			untimed := want == types.Outcome_OUTCOME_OK && !test.timed && (late || test.size > 64*kib)
			if sample.Outcome != want || sample.OverSla || sample.Large != untimed {
				t.Errorf("%s, servicer %d: %v, over SLA %t, large %t after %v: %s", test.name, i,
					sample.Outcome, sample.OverSla, sample.Large, sample.RoundTripTime.AsDuration(), sample.Detail)
			}
		}
	}
}

const (
	// servicers of a session.
	servicers = 12
	// calmAttempts bounds how often a check is made again because the machine stalled for calmStall.
	calmAttempts = 8
	calmStall    = 50 * time.Millisecond
)

// farNetwork is the servicers' network, at the other end of a cable.
type farNetwork struct {
	addresses []string
	// body of all answers.
	body atomic.Pointer[[]byte]
	// do runs a function on the thread that is in the servicers' namespace.
	do chan func()
}

func newFarNetwork(t *testing.T) *farNetwork {
	t.Helper()
	network := &farNetwork{do: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		made <- unix.Unshare(unix.CLONE_NEWNET)
		for work := range network.do {
			work()
		}
	}()
	t.Cleanup(func() { close(network.do) })
	if err := <-made; err != nil {
		t.Skipf("no network namespace: %v", err)
	}
	var thread string
	network.far(func() { thread = strconv.Itoa(unix.Gettid()) })
	must(t, exec.Command("ip", "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", thread))
	must(t, exec.Command("ip", "address", "add", "10.77.0.1/24", "dev", "near"))
	must(t, exec.Command("ip", "link", "set", "near", "up"))
	network.far(func() {
		must(t, exec.Command("ip", "address", "add", "10.77.0.2/24", "dev", "far"))
		must(t, exec.Command("ip", "link", "set", "far", "up"))
	})
	for range servicers {
		var listener net.Listener
		var err error
		network.far(func() { listener, err = net.Listen("tcp4", "10.77.0.2:0") })
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: handler(&network.body)}
		go server.Serve(listener)
		t.Cleanup(func() { server.Close() })
		first, err := net.Dial("tcp4", listener.Addr().String()) // ends when the cable carries something
		if err != nil {
			t.Fatal(err)
		}
		first.Close()
		network.addresses = append(network.addresses, listener.Addr().String())
	}
	return network
}

// far runs a function in the servicers' namespace.
func (n *farNetwork) far(work func()) {
	done := make(chan struct{})
	n.do <- func() {
		defer close(done)
		work()
	}
	<-done
}

// limit gives the cable a rate towards the fisherman, or takes the limit away.
func (n *farNetwork) limit(t *testing.T, rate string) {
	t.Helper()
	n.far(func() {
		_ = exec.Command("tc", "qdisc", "del", "dev", "far", "root").Run()
		if rate != "" {
			must(t, exec.Command("tc", "qdisc", "add", "dev", "far", "root", "tbf", "rate", rate, "burst", "32kb", "latency", "100ms"))
		}
	})
}

// must runs a command, or skips the test: systems differ in what they let a process do to its network.
func must(t *testing.T, command *exec.Cmd) {
	t.Helper()
	if output, err := command.CombinedOutput(); err != nil {
		t.Skipf("%v: %v: %s", command, err, output)
	}
}

// handler answers with a body, or not at all.
func handler(body *atomic.Pointer[[]byte]) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == silent {
			<-r.Context().Done()
			return
		}
		body := *body.Load()
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}
}

// silent is the path at which no answer comes.
const silent = "/never"

// check asks all servicers for answers of a size, and judges them.
func (n *farNetwork) check(t *testing.T, size int, sla, timeout time.Duration, withheld bool) *types.QoSRound {
	t.Helper()
	const frame = `{"jsonrpc":"2.0","id":1,"result":"%s"}`
	body := fmt.Appendf(nil, frame, strings.Repeat("a", size-len(frame)))
	n.body.Store(&body)
	session := &types.Session{Header: &types.SessionHeader{Id: "session"}}
	for i, address := range n.addresses {
		path := "/"
		if withheld && i == 0 {
			path = silent
		}
		session.Servicers = append(session.Servicers, &types.Actor{Address: fmt.Sprintf("%02d", i), ServiceUrl: "http://" + address + path})
	}
	pool := &wire.Pool{}
	defer pool.Close()
	runner := round.Runner{Ask: ask, Dial: (&wire.Dialer{AllowPrivate: true}).Dial, Pool: pool}
	const lead = 200 * time.Millisecond
	var observed *judge.Observation
	// What is looked at is the link. Where this machine was not there to send and read, the check is made again.
	for range calmAttempts {
		observed = runner.Run(t.Context(), round.Spec{
			Session: session,
			Question: question.Question{
				Payload: types.Payload{JSONRPC: []byte(`{"jsonrpc":"2.0","id":1,"method":"m"}`)},
			},
			Due: time.Now().Add(lead), Lead: lead, Timeout: timeout,
		})
		if observed.Stall < calmStall && observed.ConnectStall < calmStall {
			break
		}
	}
	observed.Control = &judge.Control{Payload: []byte(`{"jsonrpc":"2.0","id":1,"result":"a"}`)}
	record, _ := judge.Round(observed, &judge.Rules{
		Timeout: timeout, LatencySLA: sla, MaxSkew: time.Second, MaxStall: time.Second, Quorum: 2,
	})
	if !slices.IsSortedFunc(record.Samples, func(a, b *types.QoSSample) int { return strings.Compare(a.Servicer, b.Servicer) }) {
		t.Error("samples are not ordered")
	}
	return record
}

// plain is a request without an envelope.
type plain []byte

func ask(_ *types.Session, servicer *types.Actor, _ types.Payload) (round.Request, error) {
	written, err := wire.Request(http.MethodGet, servicer.GetServiceUrl(), http.Header{}, nil)
	return plain(written), err
}

func (p plain) Wire() []byte     { return p }
func (p plain) Evidence() []byte { return nil }

func (p plain) Open(answer *wire.Answer) (round.Reply, *wire.Failure) {
	return round.Reply{Status: uint32(answer.Status), Payload: answer.Body}, nil
}
