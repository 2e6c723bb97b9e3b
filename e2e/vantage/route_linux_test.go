package vantage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// inNamespace is the variable that says that the test runs in a network namespace of its own.
const inNamespace = "POCKET_TEST_IN_NAMESPACE"

// TestLostRoute: three fishermen, each behind a cable of its own. One loses the route to one endpoint, and keeps those to the
// others: that is its path, and the endpoint stays healthy in the merge. Then an endpoint that all lose is unavailable.
func TestLostRoute(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"ip", "nsenter"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("only root may make network namespaces")
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInNamespace$", "-test.v", "-test.timeout=4m")
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

// place is a namespace of a fisherman, at the end of a cable.
type place struct {
	t     *testing.T
	index int
	// holder is a process that does nothing but be in it.
	holder string
}

// newPlace makes a namespace with a cable to ours.
func newPlace(t *testing.T, index int) *place {
	t.Helper()
	holder := exec.Command("sleep", "600")
	holder.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := holder.Start(); err != nil {
		t.Skipf("no network namespace: %v", err)
	}
	t.Cleanup(func() { _ = holder.Process.Kill(); _ = holder.Wait() })
	p := &place{t: t, index: index, holder: strconv.Itoa(holder.Process.Pid)}
	ours := fmt.Sprintf("cable%d", index)
	run(t, "ip", "link", "add", ours, "type", "veth", "peer", "name", "out", "netns", p.holder)
	run(t, "ip", "address", "add", p.address(1)+"/24", "dev", ours)
	run(t, "ip", "link", "set", ours, "up")
	p.run("ip", "address", "add", p.address(2)+"/24", "dev", "out")
	p.run("ip", "link", "set", "lo", "up")
	p.run("ip", "link", "set", "out", "up")
	p.run("ip", "route", "add", "default", "via", p.address(1))
	// A neighbour that is not there: what is sent to it is lost, and nobody says so.
	p.run("ip", "neighbour", "add", p.address(77), "lladdr", "02:00:00:00:00:77", "dev", "out", "nud", "permanent")
	return p
}

// address is that of an end of its cable.
func (p *place) address(end int) string { return fmt.Sprintf("10.78.%d.%d", p.index, end) }

// inside is a command line that runs in the namespace.
func (p *place) inside() []string { return []string{"nsenter", "--net=/proc/" + p.holder + "/ns/net"} }

func (p *place) run(args ...string) {
	p.t.Helper()
	args = append(p.inside(), args...)
	run(p.t, args[0], args[1:]...)
}

// lose takes the route to an address.
func (p *place) lose(address string) {
	p.t.Helper()
	p.run("ip", "route", "add", address+"/32", "via", p.address(77))
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if output, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, output)
	}
}

func TestInNamespace(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		t.Skip("TestLostRoute runs it in a network namespace")
	}
	run(t, "ip", "link", "set", "lo", "up")
	const at = "10.79.0.9"
	addresses := map[string]string{"a": "10.79.0.1", "b": "10.79.0.2", "c": "10.79.0.3", "d": "10.79.0.4"}
	for _, address := range append([]string{at}, addresses["a"], addresses["b"], addresses["c"], addresses["d"]) {
		run(t, "ip", "address", "add", address+"/32", "dev", "lo")
	}
	node := newNode(t)
	targets := make(map[string]string)
	for name, address := range addresses {
		targets[name] = newTarget(t, net.JoinHostPort(address, "0"), node)
	}
	nats := newCluster(t, at)
	var fishermen []*fisherman
	var places []*place
	for i, name := range []string{"frankfurt", "tokyo", "virginia"} {
		places = append(places, newPlace(t, i+1))
		fishermen = append(fishermen, newFisherman(t, name, nats, options{host: "127.0.0.1", group: group(targets), prefix: places[i].inside()}))
	}
	merged := newClient(t, newCollector(t, "127.0.0.1", nats, fishermen...).api)
	eventually(t, "all endpoints are healthy from everywhere", func(ctx context.Context) error {
		return rows(ctx, merged, func(name string, row api.RollingServicer) error {
			if len(row.Vantages) != 3 || row.Verdict != "healthy" || row.NullSamples > 0 {
				return fmt.Errorf("%s is %s: %+v", name, row.Verdict, row.Vantages)
			}
			return nil
		})
	})
	places[1].lose(addresses["b"])
	for _, p := range places {
		p.lose(addresses["d"])
	}
	eventually(t, "b is a path of tokyo's, and d is lost to all", func(ctx context.Context) error {
		return rows(ctx, merged, func(name string, row api.RollingServicer) error {
			path := 0
			for _, vantage := range row.Vantages {
				if path += vantage.PathNulls; vantage.PathNulls > 0 && vantage.Place != "tokyo" && name == "b" {
					return fmt.Errorf("%s has null samples of b", vantage.Place)
				}
			}
			switch {
			case name == "d" && row.Verdict != "unavailable",
				name != "d" && (row.Verdict != "healthy" || row.NullSamples > 0),
				name == "b" && path < 10:
				return fmt.Errorf("%s is %s with %d null samples, %d of paths", name, row.Verdict, row.NullSamples, path)
			}
			return nil
		})
	})
	eventually(t, "tokyo is a place with a path, and the others are not", func(ctx context.Context) error {
		status, err := merged.Status(ctx)
		if err != nil {
			return err
		}
		for _, vantage := range status.Vantages {
			if want := map[bool]api.VantageState{true: api.VantageStatePath, false: api.VantageStateOK}[vantage.Place == "tokyo"]; vantage.State != want {
				return fmt.Errorf("%s is %s (%s), want %s", vantage.Place, vantage.State, vantage.Why, want)
			}
		}
		return nil
	})
}

// rows looks at the merged row of each endpoint.
func rows(ctx context.Context, merged *client.Client, look func(name string, row api.RollingServicer) error) error {
	report, err := merged.QoS(ctx, client.QoSFilter{})
	if err != nil {
		return err
	}
	found := 0
	for _, rolling := range report.Rolling {
		for _, row := range rolling.Servicers {
			found++
			if err := look(row.Servicer, row); err != nil {
				return err
			}
		}
	}
	if found != 4 {
		return fmt.Errorf("%d endpoints", found)
	}
	return nil
}
