package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// nodeProcess is a node that runs as a process, with a home and the key of its role.
type nodeProcess struct {
	home, address, publicKey string
	// id and p2p are how the others reach it.
	id, p2p    string
	api, chain string
	// process is the last process that was started; ended returns its result, any number of times.
	process *exec.Cmd
	log     bytes.Buffer
	ended   chan error
}

// makeNode makes a key and a home as an operator does, for a role: validator or servicer. It takes three addresses to
// listen on. The genesis need not be there yet.
func (s *story) makeNode(name, genesis string, free []string, role string, more ...string) (*nodeProcess, error) {
	var made struct {
		Address   string `json:"address"`
		PublicKey string `json:"public_key"`
		NodeID    string `json:"node_id"`
	}
	if err := s.told(&made, "keys", "create", "--label", name, "--output", "json"); err != nil {
		return nil, err
	}
	n := &nodeProcess{home: filepath.Join(s.home, name), address: made.Address, publicKey: made.PublicKey,
		p2p: free[0], api: "http://" + free[1], chain: "http://" + free[2]}
	err := s.told(&made, append([]string{"node", "init", "--home", n.home, "--" + role, n.address, "--genesis", genesis, "--chain-p2p-listen",
		free[0], "--api-listen", free[1], "--chain-rpc-listen", free[2], "--chain-block-time", "200ms", "--log-level", "error",
		"--output", "json"}, more...)...)
	n.id = made.NodeID
	return n, err
}

// writeGenesis writes a genesis with actors and accounts, and has the program check it.
func (s *story) writeGenesis(path string, actors, accounts []any) error {
	template, err := os.ReadFile(filepath.Join("testdata", "genesis.json"))
	if err != nil {
		return err
	}
	var genesis map[string]any
	if err := json.Unmarshal(template, &genesis); err != nil {
		return fmt.Errorf("read template of a genesis: %w", err)
	}
	genesis["genesis_time"] = time.Now().UTC().Format(time.RFC3339)
	genesis["actors"], genesis["accounts"] = actors, accounts
	file, err := json.Marshal(genesis)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path, file, 0o600); err != nil {
		return err
	}
	if err := s.run("genesis", "validate", path); err != nil {
		return err
	}
	return expect(s.exit == 0, "the genesis is not valid: %s", s.stderr)
}

// told runs the program, which has to succeed, and returns its output.
func (s *story) told(result any, args ...string) error {
	exit, stdout, stderr, err := s.execute(args...)
	if err != nil {
		return err
	}
	if exit != 0 {
		return fmt.Errorf("pocket %s: exit code %d, %s", strings.Join(args, " "), exit, stderr)
	}
	if err := json.Unmarshal([]byte(stdout), result); err != nil {
		return fmt.Errorf("pocket %s: read result %q: %w", strings.Join(args, " "), stdout, err)
	}
	return nil
}

// start starts the node, which connects to the given peers.
func (n *nodeProcess) start(s *story, peers []*nodeProcess) error {
	var named []string
	for _, peer := range peers {
		if peer != n {
			named = append(named, peer.id+"@"+peer.p2p)
		}
	}
	n.log.Reset()
	n.process = exec.Command(s.networks.binary, "node", "start", "--home", n.home, "--chain-peers", strings.Join(named, ","))
	n.process.Stderr = &n.log
	n.process.Env = append(os.Environ(), "POCKET_PASSPHRASE="+passphrase)
	if err := n.process.Start(); err != nil {
		return err
	}
	running, ended := n.process, make(chan error, 1)
	n.ended = ended
	go func() { ended <- running.Wait() }()
	return nil
}

// kill kills the node's process and waits for its end. It does nothing if the node does not run.
func (n *nodeProcess) kill() error {
	if n.process == nil {
		return nil
	}
	if err := n.process.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	n.ended <- <-n.ended
	return nil
}

// stop ends the node as Ctrl-C does.
func (n *nodeProcess) stop(limit time.Duration) error {
	if err := n.process.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("interrupt %s: %w", n.home, err)
	}
	select {
	case err := <-n.ended:
		n.ended <- err
		if err != nil {
			return fmt.Errorf("%s ended with %w: %s", n.home, err, n.log.String())
		}
		return nil
	case <-time.After(limit):
		return fmt.Errorf("%s did not end within %s", n.home, limit)
	}
}

// ask calls the node's API.
func (n *nodeProcess) ask(question func(ctx context.Context, api *client.Client) error) error {
	api, err := client.New(n.api)
	if err != nil {
		return err
	}
	defer api.Close()
	ctx, cancel := context.WithTimeout(context.Background(), relayTimeout)
	defer cancel()
	return question(ctx, api)
}

// height returns the node's last committed height; 0 if it does not answer.
func (n *nodeProcess) height() (height int64) {
	_ = n.ask(func(ctx context.Context, api *client.Client) error {
		status, err := api.Status(ctx)
		height = status.Height
		return err
	})
	return height
}

// outcome describes the node's state, for a story that failed.
func (n *nodeProcess) outcome() string {
	if n.process == nil {
		return n.home + " was not started"
	}
	select {
	case err := <-n.ended:
		n.ended <- err
		return fmt.Sprintf("%s ended with %v: %s", n.home, err, n.log.String())
	default:
		return fmt.Sprintf("%s runs at height %d", n.home, n.height())
	}
}
