package round_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/fisherman/judge"
	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Some faults of our own befall a whole process. For them a test starts its own binary again, as a child that runs
// TestAsChild with a scenario and prints its rounds.
const (
	childScenario = "POCKET_TEST_SCENARIO"
	childSession  = "POCKET_TEST_SESSION"
	childRound    = "ROUND "
)

// askedLater is when a child asks that is to be suspended before: time enough to suspend it.
const askedLater = time.Second

// scenarios by name; each makes the rounds that it returns.
var scenarios = map[string]func(t *testing.T, r *rig) []*types.QoSRound{
	"asks": func(_ *testing.T, r *rig) []*types.QoSRound { return []*types.QoSRound{r.connect().run()} },
	"asks later": func(t *testing.T, r *rig) []*types.QoSRound {
		due := time.Now().Add(askedLater) // before anybody can see the connections
		return []*types.QoSRound{r.judge(r.connect().observe(t.Context(), due))}
	},
	"few descriptors": func(t *testing.T, r *rig) []*types.QoSRound { return []*types.QoSRound{withDescriptors(t, r, 3)} },
	"no descriptors":  func(t *testing.T, r *rig) []*types.QoSRound { return []*types.QoSRound{withDescriptors(t, r, 0)} },
	"network down":    networkDown,
}

// TestAsChild is a test only in a child.
func TestAsChild(t *testing.T) {
	scenario := scenarios[os.Getenv(childScenario)]
	if scenario == nil {
		return
	}
	encoded, err := base64.StdEncoding.DecodeString(os.Getenv(childSession))
	if err != nil {
		t.Fatal(err)
	}
	var session types.Session
	if err := proto.Unmarshal(encoded, &session); err != nil {
		t.Fatal(err)
	}
	r := overSockets(t)
	r.actors = session.GetServicers()
	for _, record := range scenario(t, r) {
		text, err := protojson.Marshal(record)
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.WriteString("\n" + childRound + string(text) + "\n")
	}
}

// childTest is such a process.
type childTest struct {
	command *exec.Cmd
	output  *bufio.Scanner
	text    strings.Builder
}

func startAsChild(t *testing.T, scenario string, attributes *syscall.SysProcAttr, servicers ...*fakes.Servicer) (*childTest, error) {
	t.Helper()
	members := &types.Session{}
	for _, servicer := range servicers {
		members.Servicers = append(members.Servicers, servicer.Actor())
	}
	session, err := proto.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAsChild$", "-test.timeout=60s")
	command.Env = append(os.Environ(), childScenario+"="+scenario, childSession+"="+base64.StdEncoding.EncodeToString(session))
	command.SysProcAttr, command.Stderr = attributes, os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c := &childTest{command: command, output: bufio.NewScanner(output)}
	c.output.Buffer(nil, 1<<20)
	return c, command.Start()
}

// rounds of the child, when it has ended.
func (c *childTest) rounds(t *testing.T) []*types.QoSRound {
	t.Helper()
	var rounds []*types.QoSRound
	for c.output.Scan() {
		c.text.WriteString(c.output.Text() + "\n")
		if text, ok := strings.CutPrefix(c.output.Text(), childRound); ok {
			record := new(types.QoSRound)
			if err := protojson.Unmarshal([]byte(text), record); err != nil {
				t.Fatal(err)
			}
			rounds = append(rounds, record)
		}
	}
	if err := c.command.Wait(); err != nil || len(rounds) == 0 {
		t.Fatalf("child: %d rounds, %v: %s", len(rounds), err, c.text.String())
	}
	return rounds
}

// only is the child's one round.
func (c *childTest) only(t *testing.T) *types.QoSRound {
	t.Helper()
	rounds := c.rounds(t)
	if len(rounds) != 1 {
		t.Fatalf("%d rounds", len(rounds))
	}
	return rounds[0]
}

// suspend stops the child, as the suspension of its machine does, for so long.
func (c *childTest) suspend(t *testing.T, d time.Duration) {
	t.Helper()
	if err := c.command.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	timer := time.NewTimer(d) // real time has to pass for the child
	defer timer.Stop()
	<-timer.C
	if err := c.command.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
}

// A suspended machine finds answers that came long ago, or misses the moment to ask: the round is void.
func TestSuspended(t *testing.T) {
	t.Parallel()
	t.Run("while asking", func(t *testing.T) {
		t.Parallel()
		sleepy, honest := fakes.Start(t, fakes.Sleepy(time.Second)), fakes.Start(t, fakes.Honest())
		c, err := startAsChild(t, "asks", nil, sleepy, honest)
		if err != nil {
			t.Fatal(err)
		}
		sleepy.AwaitRequests(t, 1)
		c.suspend(t, 5*judge.StallLimit)
		isVoid(t, c.only(t), types.Cause_CAUSE_STALL)
	})
	t.Run("before the release", func(t *testing.T) {
		t.Parallel()
		honest := []*fakes.Servicer{fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())}
		c, err := startAsChild(t, "asks later", nil, honest...)
		if err != nil {
			t.Fatal(err)
		}
		honest[0].AwaitAccepted(t, 1)
		honest[1].AwaitAccepted(t, 1)
		c.suspend(t, askedLater+2*judge.LongestLead+2*judge.StallLimit)
		isVoid(t, c.only(t), types.Cause_CAUSE_LATE)
	})
}

// withDescriptors makes a round with so many descriptors left for it.
func withDescriptors(t *testing.T, r *rig, left int) *types.QoSRound {
	t.Helper()
	// What the runtime opens for its first socket and keeps.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}); err != nil {
		t.Fatal(err)
	}
	var taken []*os.File
	for {
		file, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		taken = append(taken, file)
	}
	for _, file := range taken[:left] {
		file.Close()
	}
	record := r.runConnecting()
	for _, file := range taken[left:] {
		file.Close()
	}
	return record
}

// A fisherman that has run out of file descriptors blames nobody that it could not connect to; whom it could connect to
// is measured.
func TestNoDescriptors(t *testing.T) {
	t.Parallel()
	var honest []*fakes.Servicer
	for range 8 {
		honest = append(honest, fakes.Start(t, fakes.Honest()))
	}
	t.Run("few", func(t *testing.T) {
		t.Parallel()
		c, err := startAsChild(t, "few descriptors", nil, honest...)
		if err != nil {
			t.Fatal(err)
		}
		record := c.only(t)
		isDone(t, record)
		answered := 0
		for _, servicer := range honest {
			if sample := sampleOf(t, record, servicer); sample.GetOutcome() == outcomeOK {
				answered++
			} else if isNull(t, sample, outcomeVoid, blamesSelf); !strings.Contains(sample.GetDetail(), "too many open files") {
				t.Errorf("%s", sample.GetDetail())
			}
		}
		if answered == 0 || answered > 3 {
			t.Errorf("%d answered over 3 descriptors", answered)
		}
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		c, err := startAsChild(t, "no descriptors", nil, honest...)
		if err != nil {
			t.Fatal(err)
		}
		record := c.only(t)
		isVoid(t, record, types.Cause_CAUSE_NO_SAMPLE)
		if detail := sampleOf(t, record, honest[0]).GetDetail(); !strings.Contains(detail, "too many open files") {
			t.Errorf("%s", detail)
		}
	})
}

// networkDown makes three rounds in a network of its own: with it, without it, and with it again. The control probe is
// in the same network.
func networkDown(t *testing.T, _ *rig) []*types.QoSRound {
	loopback(t, true)
	names := fakes.StartNames(t)
	secured := fakes.StartTLS(t, fakes.Honest(), nil)
	servicers := []*fakes.Servicer{fakes.Start(t, fakes.Honest()), secured, fakes.Start(t, fakes.Closing()), fakes.Start(t, fakes.Closing())}
	target := fakes.Start(t, fakes.Honest())
	in := overSockets(t, servicers...)
	// An answer of a machine that is up is there long before; what is lost on one that is down is waited for.
	in.spec.Timeout = 2 * time.Second
	in.Dial = (&wire.Dialer{AllowPrivate: true, RootCAs: secured.Roots(), Resolver: names.Resolver()}).Dial
	in.actors[3].ServiceUrl = strings.Replace(in.actors[3].ServiceUrl, "127.0.0.1", "servicer.example", 1)
	ask := func() *types.QoSRound {
		observed := calm(in.observe(t.Context(), time.Now().Add(connecting)))
		record := in.judge(observed)
		if record.GetCause() != types.Cause_CAUSE_NO_CONTROL_PROBE {
			return record
		}
		observed.Control = answering(observed)
		observed.Control.Err = reach(t.Context(), target, in.spec.Timeout)
		return in.judge(observed)
	}
	with := ask()
	for _, servicer := range servicers[2:] {
		servicer.AwaitOpen(t, 0) // these have to be connected to anew
	}
	loopback(t, false)
	without := ask()
	loopback(t, true)
	again := ask()
	return []*types.QoSRound{with, without, again}
}

// reach connects to the control probe's target.
func reach(ctx context.Context, target *fakes.Servicer, timeout time.Duration) error {
	conn, err := (&net.Dialer{Timeout: timeout}).DialContext(ctx, "tcp", strings.TrimPrefix(target.URL(), "http://"))
	if err == nil {
		conn.Close()
	}
	return err
}

// loopback sets the loopback interface of this process's network up or down.
func loopback(t *testing.T, up bool) {
	t.Helper()
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(socket)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlIfreq(socket, unix.SIOCGIFFLAGS, request); err != nil {
		t.Fatal(err)
	}
	flags := request.Uint16() &^ unix.IFF_UP
	if up {
		flags |= unix.IFF_UP
	}
	request.SetUint16(flags)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		t.Fatal(err)
	}
}

// Our network goes down between two checks and comes back: the check in between is void, and says why.
func TestNetworkDown(t *testing.T) {
	t.Parallel()
	c, err := startAsChild(t, "network down", &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	})
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSPC) {
		t.Skipf("this system gives no network namespaces: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	rounds := c.rounds(t)
	if len(rounds) != 3 {
		t.Fatalf("%d rounds", len(rounds))
	}
	for _, up := range []*types.QoSRound{rounds[0], rounds[2]} {
		for _, sample := range up.GetSamples() {
			isOK(t, sample)
		}
	}
	isVoid(t, rounds[1], types.Cause_CAUSE_OFFLINE)
}
