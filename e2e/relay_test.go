package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/cucumber/godog"

	"github.com/pocket-fisherman/fisherman/localnet"
)

// relayStory is the state of a story about a relay sent by hand.
type relayStory struct {
	servicer       string
	payload        string
	exit           int
	stdout, stderr string
}

// programVariable names the program, built by make; without it the tests that need it build it.
const programVariable = "POCKET_TEST_PROGRAM"

// buildBinary returns the program as a user would have it.
func buildBinary(t *testing.T) string {
	if named := os.Getenv(programVariable); named != "" {
		return named
	}
	binary := filepath.Join(t.TempDir(), "pocket")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../app/pocket")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, output)
	}
	return binary
}

func (s *story) relaySteps(scenario *godog.ScenarioContext) {
	scenario.When(`^(the application|a stranger) relays "([a-z_]+)" at height (\d+) to (an honest|a down) servicer$`, s.relayTo)
	scenario.When(`^(the application) relays "([a-z_]+)" at height (\d+) to (a stranger)$`, s.relayTo)
	scenario.Then(`^the command ends with exit code (\d+)$`, func(code int) error {
		return expect(s.exit == code, "exit code %d\n%s", s.exit, s.stderr)
	})
	scenario.Then(`^it says in one line what is wrong$`, func() error {
		return expect(strings.HasPrefix(s.stderr, "pocket: ") && strings.Count(s.stderr, "\n") == 1 && s.stdout == "", "stderr %q, stdout %q", s.stderr, s.stdout)
	})
	scenario.Then(`^the answer is signed by that servicer and bound to the request$`, s.answerIsTrusted)
	scenario.Then(`^the answer is the block at height (\d+) as the chain itself gives it$`, s.answerIsTrue)
}

// relayTo waits for the height and runs the relay command.
func (s *story) relayTo(who, method string, height int64, whom string) error {
	err := s.network.await("the block is there", func(ctx context.Context) (bool, error) {
		status, err := s.network.api.Status(ctx)
		return status.Height > height, err
	})
	if err != nil {
		return err
	}
	const stranger = "00000000000000000000000000000000000000ff"
	application := map[string]string{"the application": s.network.Application(), "a stranger": stranger}[who]
	fault := map[string]localnet.Fault{"an honest": localnet.FaultNone, "a down": localnet.FaultDown}
	s.servicer = stranger
	for _, servicer := range s.network.Servicers() {
		if want, ok := fault[whom]; ok && servicer.Fault == want {
			s.servicer = servicer.Address
		}
	}
	s.payload = fmt.Sprintf(`{"jsonrpc":"2.0","id":7,"method":%q,"params":{"height":"%d"}}`, method, height)
	return s.run("relay", "--node", s.network.RPCURL(), "--application", application, "--servicer", s.servicer,
		"--chain", "0001", "--payload", s.payload, "--output", "json")
}

// run runs the program; later steps check its result.
func (s *story) run(args ...string) (err error) {
	s.exit, s.stdout, s.stderr, err = s.execute(args...)
	return err
}

// execute runs the program with the keys of the story. Several may run at once.
func (s *story) execute(args ...string) (exit int, out, errs string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, s.networks.binary, args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	command.Env = append(os.Environ(), "POCKET_KEYS="+s.keys, "POCKET_PASSPHRASE="+passphrase)
	err = command.Run()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return 0, "", "", fmt.Errorf("run the program: %w", err)
	}
	return command.ProcessState.ExitCode(), stdout.String(), stderr.String(), nil
}

func (s *story) answerIsTrusted() error {
	var result struct {
		Servicer          string `json:"servicer"`
		RequestHash       string `json:"request_hash"`
		SignatureVerified bool   `json:"signature_verified"`
	}
	if err := json.Unmarshal([]byte(s.stdout), &result); err != nil {
		return fmt.Errorf("read result %q: %w", s.stdout, err)
	}
	return expect(result.Servicer == s.servicer && result.SignatureVerified && len(result.RequestHash) == 64, "%+v", result)
}

// answerIsTrue compares the answer with that of the chain's own node.
func (s *story) answerIsTrue(int) error { return s.answerIsThatOf(s.network.ChainRPCURL()) }

// answerIsThatOf compares the answer with a node's answer to the same question.
func (s *story) answerIsThatOf(node string) error {
	var relayed struct {
		Answer any `json:"answer"`
	}
	if err := json.Unmarshal([]byte(s.stdout), &relayed); err != nil {
		return fmt.Errorf("read result %q: %w", s.stdout, err)
	}
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Post(node, "application/json", strings.NewReader(s.payload))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return err
	}
	var direct any
	if err := json.Unmarshal(body, &direct); err != nil {
		return err
	}
	return expect(reflect.DeepEqual(relayed.Answer, direct) && direct != nil, "relayed %v, direct %v", relayed.Answer, direct)
}
