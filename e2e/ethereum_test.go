package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/localnet"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// developer is the account that geth funds in developer mode.
const developer = "0x71562b71999873db5b286df957af199ec94617f7"

// gethProgram returns the Ethereum node that make has built, or the one that the environment names; empty if there is
// none.
func gethProgram(t *testing.T) string {
	named := os.Getenv("POCKET_GETH")
	if named == "" {
		named = filepath.Join("..", "bin", "geth")
	}
	found, err := exec.LookPath(named)
	if err == nil {
		found, err = filepath.Abs(found)
	}
	if err != nil {
		t.Logf("no geth at %s: features with an Ethereum chain are skipped; run 'make geth' first", named)
		return ""
	}
	return found
}

// ethereumStory is the state of a story about the program that runs a LocalNet with an Ethereum chain.
type ethereumStory struct {
	program *exec.Cmd
	// ethereum is the host:port of its Ethereum node.
	ethereum string
}

func (s *story) ethereumSteps(scenario *godog.ScenarioContext) {
	scenario.Given(`^a LocalNet with an Ethereum chain and (\d+) honest, (\d+) slow, (\d+) down and (\d+) lying servicers$`, s.ethereumNetwork)
	scenario.Given(`^the program runs a LocalNet with an Ethereum chain$`, s.runProgram)
	scenario.When(`^the fisherman has sampled a whole session of chain ([0-9A-F]{4})$`, s.sampleChain)
	scenario.When(`^the application asks an honest servicer for the developer's balance at height (\d+) of the Ethereum chain$`, s.askBalance)
	scenario.When(`^it is asked to stop$`, func() error { return s.endProgram(syscall.SIGTERM) })
	scenario.When(`^it is killed$`, s.killProgram)
	scenario.Then(`^more than half of the planned checks are done$`, func() error {
		r := s.session()
		return expect(2*r.ChecksDone > r.ChecksPlanned, "%d of %d checks done", r.ChecksDone, r.ChecksPlanned)
	})
	scenario.Then(`^the answer is the balance as the Ethereum node itself gives it$`, s.balanceIsTrue)
	scenario.Then(`^the Ethereum node is gone$`, s.ethereumGone)
}

func (s *story) ethereumNetwork(honest, slow, down, lying int) error {
	if s.networks.geth == "" {
		return godog.ErrSkip
	}
	s.options = options(honest, slow, down, lying)
	s.options.Ethereum, s.options.Geth = true, s.networks.geth
	return s.share(shape{honest, slow, down, lying, s.options.BlocksPerSession, true})
}

// sampleChain waits for a complete session of a chain, and keeps the newest.
func (s *story) sampleChain(chain string) error {
	return s.network.await("a session of chain "+chain+" is complete", func(ctx context.Context) (bool, error) {
		report, err := s.network.api.QoS(ctx, client.QoSFilter{})
		s.sessions = slices.DeleteFunc(report.Sessions, func(r api.SessionReport) bool { return !r.Complete || r.RelayChain != chain })
		return len(s.sessions) > 0, err
	})
}

func (s *story) askBalance(height int64) error {
	honest := slices.IndexFunc(s.network.Servicers(), func(servicer localnet.Servicer) bool { return servicer.Fault == localnet.FaultNone })
	s.servicer = s.network.Servicers()[honest].Address
	s.payload = fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":"eth_getBalance","params":[%q,"0x%x"]}`, developer, height)
	err := s.network.await("there is a session", func(ctx context.Context) (bool, error) {
		status, err := s.network.api.Status(ctx)
		return status.Height > 1, err
	})
	if err != nil {
		return err
	}
	return s.run("relay", "--node", s.network.RPCURL(), "--application", s.network.Application(), "--servicer", s.servicer,
		"--chain", localnet.EthereumChain, "--payload", s.payload, "--output", "json")
}

func (s *story) balanceIsTrue() error {
	var relayed struct {
		Answer struct{ Result string }
	}
	if err := json.Unmarshal([]byte(s.stdout), &relayed); err != nil {
		return fmt.Errorf("read result %q: %w", s.stdout, err)
	}
	if len(relayed.Answer.Result) < 10 {
		return fmt.Errorf("the developer's balance is %q", relayed.Answer.Result)
	}
	return s.answerIsThatOf(s.network.EthereumURL())
}

// runProgram starts the program and waits until its Ethereum node takes connections.
func (s *story) runProgram() (err error) {
	if s.networks.geth == "" {
		return godog.ErrSkip
	}
	s.own = true
	if s.home, err = os.MkdirTemp("", "e2e-home-"); err != nil {
		return err
	}
	home := filepath.Join(s.home, "localnet")
	s.program = exec.Command(s.networks.binary, "localnet", "--ethereum", "--geth", s.networks.geth, "--servicers", "1",
		"--home", home, "--rpc-listen", "127.0.0.1:0")
	if err := s.program.Start(); err != nil {
		return err
	}
	return eventually("its Ethereum node answers", func() bool {
		var marker struct {
			Addresses struct{ Ethereum string }
		}
		data, err := os.ReadFile(filepath.Join(home, "localnet.json"))
		if err != nil || json.Unmarshal(data, &marker) != nil {
			return false
		}
		s.ethereum = marker.Addresses.Ethereum
		// The directory is geth's own: before it exists, the port is only reserved.
		_, err = os.Stat(filepath.Join(home, "geth", "geth", "chaindata"))
		return err == nil && connects(s.ethereum)
	})
}

func (s *story) endProgram(signal os.Signal) error {
	program := s.program
	s.program = nil
	if err := program.Process.Signal(signal); err != nil {
		return err
	}
	_ = program.Wait() // what matters is what is left
	return nil
}

func (s *story) killProgram() error {
	if runtime.GOOS != "linux" {
		return godog.ErrSkip // other systems' kernels cannot do that
	}
	return s.endProgram(os.Kill)
}

func (s *story) ethereumGone() error {
	return eventually("the Ethereum node is gone", func() bool { return !connects(s.ethereum) })
}

func connects(address string) bool {
	conn, err := net.DialTimeout("tcp", address, time.Second)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// eventually polls until the condition holds.
func eventually(what string, holds func() bool) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(patience)
	for !holds() {
		select {
		case <-ticker.C:
		case <-timeout:
			return errors.New("waited in vain until " + what)
		}
	}
	return nil
}
