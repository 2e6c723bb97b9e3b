package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// processesOf are the nodes that run on a LocalNet's home, by their command lines.
func processesOf(t *testing.T, home string) (found []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		// A process that has ended meanwhile has none.
		line, _ := os.ReadFile(path)
		if bytes.Contains(line, []byte(home+"/processes/")) {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// localnetInProcesses begins a LocalNet whose actors are processes.
func localnetInProcesses(n *processNet, home string, more ...string) (*processNode, *bytes.Buffer) {
	n.t.Helper()
	node, out := &processNode{home: home}, new(bytes.Buffer)
	node.process = n.command(append([]string{"localnet", "--processes", "--home", home, "--rpc-listen", "127.0.0.1:0",
		"--servicers", "4", "--block-time", "200ms", "--blocks-per-session", "15", "--checks-per-session", "5",
		"--output", "json"}, more...)...)
	node.process.Stdout, node.process.Stderr = out, &node.log
	n.run(node)
	return node, out
}

// TestLocalnetInProcesses: every actor is a process; the report says the truth; afterwards none is left.
func TestLocalnetInProcesses(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("five processes")
	}
	n := newProcesses(t)
	home := filepath.Join(n.directory, "home")
	network, out := localnetInProcesses(n, home, "--sessions", "1")
	most := 0
	n.await("the report", func() bool {
		most = max(most, len(processesOf(t, home)))
		select {
		case err := <-network.ended:
			network.ended <- err
			return true
		default:
			return false
		}
	})
	if err := <-network.ended; err != nil {
		t.Fatalf("ended with %v:\n%s", err, network.log.String())
	}
	if left := processesOf(t, home); len(left) > 0 || most != 5 {
		t.Errorf("%d processes ran, 5 wanted; left are %v", most, left)
	}
	var report api.Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	want := []string{"healthy", "slow", "unavailable", "inconsistent"}
	if len(report.Sessions) != 1 || len(report.Sessions[0].Servicers) != len(want) {
		t.Fatalf("report is %s", out.String())
	}
	for _, servicer := range report.Sessions[0].Servicers {
		for i, verdict := range want {
			if servicer.Servicer == localnet.Key(1, types.ActorType_ACTOR_TYPE_SERVICER, i).Address() && string(servicer.Verdict) != verdict {
				t.Errorf("servicer %d is %s (%s), want %s", i, servicer.Verdict, servicer.Reason, verdict)
			}
		}
	}
	info, err := os.Stat(filepath.Join(home, "processes", "validator", "passphrase"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("passphrase: %v, %v", info, err)
	}
	refused := n.command("localnet", "--home", home, "--sessions", "1", "--rpc-listen", "127.0.0.1:0")
	if text, err := refused.CombinedOutput(); err == nil || !strings.Contains(string(text), "was made with --processes=true") {
		t.Errorf("the home in one process: %v: %s", err, text)
	}
}

// TestProcessesDieWithTheirLocalnet, also when it is killed.
func TestProcessesDieWithTheirLocalnet(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("five processes")
	}
	n := newProcesses(t)
	home := filepath.Join(n.directory, "home")
	network, _ := localnetInProcesses(n, home)
	n.await("all processes", func() bool { return len(processesOf(t, home)) == 5 })
	n.kill(network)
	killed := time.Now()
	n.await("no process", func() bool { return len(processesOf(t, home)) == 0 })
	if took := time.Since(killed); took > 5*time.Second {
		t.Errorf("the processes outlived their parent by %s", took)
	}

	again, _ := localnetInProcesses(n, home)
	n.await("all processes again", func() bool { return len(processesOf(t, home)) == 5 })
	stopping := time.Now()
	if err := again.process.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	n.await("the end", func() bool { return len(again.ended) == 1 })
	if took := time.Since(stopping); took > 5*time.Second || len(processesOf(t, home)) > 0 {
		t.Errorf("it took %s to stop, and left %v", took, processesOf(t, home))
	}
}
