package pocketd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// patience bounds a test with real processes, on a machine that may be busy.
const patience = 6 * time.Minute

// start starts a network that ends with the test, and skips the test if pocketd is not built.
func start(t *testing.T, options Options) (context.Context, *Network) {
	t.Helper()
	if _, err := Program(); err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	options.Log = t.Output()
	began := time.Now()
	network, err := Start(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the network is up after %.1f s", time.Since(began).Seconds())
	t.Cleanup(func() { closed(t, network) })
	return ctx, network
}

// closed closes the network and checks that nothing is left of it.
func closed(t *testing.T, network *Network) {
	t.Helper()
	ids, dir := network.ProcessIDs(), network.program.dir
	if err := network.Close(); err != nil {
		t.Error(err)
	}
	for _, id := range ids {
		if err := syscall.Kill(id, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there: %v", id, err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	ctx, network := start(t, Options{Suppliers: []SupplierOptions{
		{Eager: true}, {Fault: Slow}, {Fault: Lying}, {Fault: Down}, {Owner: "fleet"}, {Owner: "fleet", Keyless: true}}})
	suppliers := network.Suppliers()
	for _, id := range network.ProcessIDs() {
		t.Logf("process %d: %s", id, residentMemory(id))
	}

	session, err := network.Session(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	if session.End-session.Start+1 != 10 {
		t.Errorf("the session has blocks %d to %d", session.Start, session.End)
	}
	if !slices.Equal(session.Gateways, []string{network.Gateway()}) {
		t.Errorf("the application delegates to %q, not to %s", session.Gateways, network.Gateway())
	}
	for _, supplier := range suppliers {
		if !session.Has(supplier.Address) {
			t.Errorf("%s is not in the session", supplier.Address)
		}
		_, err := http.Post(supplier.URL, "application/json", strings.NewReader("no relay"))
		if refused := errors.Is(err, syscall.ECONNREFUSED); refused != (supplier.Fault == Down) {
			t.Errorf("a supplier with fault %d at %s: %v", supplier.Fault, supplier.URL, err)
		}
	}
	if fleet := suppliers[4].Owner; fleet == suppliers[4].Address || fleet != suppliers[5].Owner || suppliers[0].Owner != suppliers[0].Address {
		t.Error("the owner of a supplier is not as the options have it")
	}

	network.StopMiner(suppliers[0])
	if err := connect(ctx, suppliers[0].listen); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a stopped RelayMiner: %v", err)
	}
	if err := network.StartMiner(ctx, suppliers[0]); err != nil {
		t.Error(err)
	}

	if _, err := network.Unstake(ctx, suppliers[1]); err != nil {
		t.Fatal(err)
	}
	left, err := network.Undelegate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, network)
	request := g.seal(ctx, t, suppliers[0], left)
	if _, failure := request.Open(ask(ctx, t, suppliers[0], request)); failure != nil {
		t.Errorf("a relay of the session in which the application left its gateway: %v", failure)
	}
	session, err = network.AwaitSession(ctx, "after the changes", func(s Session) bool { return s.Start > left })
	if err != nil {
		t.Fatal(err)
	}
	if session.Has(suppliers[1].Address) {
		t.Error("the supplier that unstaked is in a later session")
	}
	if len(session.Suppliers) != 5 || len(session.Gateways) != 0 {
		t.Errorf("the session has suppliers %q, and the application delegates to %q", session.Suppliers, session.Gateways)
	}
	request = g.seal(ctx, t, suppliers[0], 0)
	answer := ask(ctx, t, suppliers[0], request)
	_, failure := request.Open(answer)
	check(t, failure, types.Outcome_OUTCOME_VOID, types.Blame_BLAME_UNKNOWN, "rings/3")
	g.keep(ctx, t, "refusal-left-gateway", suppliers[0], request.Body, answer)
}

// TestFailedStart checks that a start that fails half-way says why and leaves nothing.
func TestFailedStart(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for name, program := range map[string]string{"no program": "/nonexistent/pocketd", "another program": "/bin/false"} {
		t.Run(name, func(t *testing.T) {
			network, err := Start(t.Context(), Options{Program: program})
			if err == nil || network != nil {
				t.Fatalf("started: %v", err)
			}
			if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

// TestProcessEnds checks that waits end when a process of the network does.
func TestProcessEnds(t *testing.T) {
	shell := t.TempDir() + "/pocketd"
	if err := os.WriteFile(shell, []byte("#!/bin/sh\necho no database >&2\nexit 3\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	network := &Network{program: program{path: shell, dir: t.TempDir()}, failed: make(chan struct{})}
	network.running, network.stop = context.WithCancel(t.Context())
	defer network.Close()
	if _, err := network.launch("validator", "start"); err != nil {
		t.Fatal(err)
	}
	err := network.await(t.Context(), "nothing", func(context.Context) (bool, error) { return false, nil })
	if err == nil || !strings.Contains(err.Error(), "validator ended by itself") || !strings.Contains(err.Error(), "no database") {
		t.Errorf("the wait ended with %v", err)
	}
}

func TestSetting(t *testing.T) {
	const file = "# address = 0\nlevel = \"info\"\n[rpc]\naddress = \"a\"\n[[list]]\naddress = \"c\"\n[grpc]\naddress = \"b\"\n"
	for _, test := range []struct {
		setting setting
		want    string
	}{
		{setting{"", "level", `"error"`}, strings.Replace(file, `"info"`, `"error"`, 1)},
		{setting{"grpc", "address", `"x"`}, strings.Replace(file, `"b"`, `"x"`, 1)},
		{setting{"rpc", "address", `"x"`}, strings.Replace(file, `"a"`, `"x"`, 1)},
	} {
		if got, err := test.setting.apply(file); err != nil || got != test.want {
			t.Errorf("%v: %q, %v", test.setting, got, err)
		}
	}
	for _, missing := range []setting{{"", "address", "1"}, {"grpc", "level", "1"}, {"api", "address", "1"}} {
		if got, err := missing.apply(file); err == nil {
			t.Errorf("%v: %q", missing, got)
		}
	}
}

func TestOptions(t *testing.T) {
	for _, count := range []int{0, maxSuppliers + 1} {
		if _, err := (Options{Program: "pocketd", Suppliers: make([]SupplierOptions, count)}).withDefaults(); err == nil {
			t.Errorf("%d suppliers are accepted", count)
		}
	}
	if _, err := (Options{Program: "pocketd", BlocksPerSession: minBlocks - 1}).withDefaults(); err == nil {
		t.Error("sessions that are too short are accepted")
	}
}

// Ports are given once, also to networks that run at the same time.
func TestPortsAreDistinct(t *testing.T) {
	given := make(map[string]bool)
	for range 10 {
		var network ports
		t.Cleanup(network.close)
		for range 20 {
			address, err := network.take()
			if err != nil {
				t.Fatal(err)
			}
			listener, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatal(err)
			}
			listener.Close()
			if given[address] {
				t.Errorf("%s is given twice", address)
			}
			given[address] = true
		}
	}
}

// residentMemory returns the line of a process's status that says how much memory it has, on Linux.
func residentMemory(id int) string {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", id))
	if err != nil {
		return "its memory is not known"
	}
	for line := range strings.Lines(string(status)) {
		if strings.HasPrefix(line, "VmRSS:") {
			return strings.Join(strings.Fields(line), " ")
		}
	}
	return "its memory is not known"
}
