package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/pocket-fisherman/fisherman/localnet/port"
)

const (
	// blocks are as many as the questions need: they ask for what lies some way below the head.
	blocks = 200
	// slowness is what a request to the slow node takes longer.
	slowness = 400 * time.Millisecond
	// starting bounds the time until a geth answers, stopping that until it has ended.
	starting = 30 * time.Second
	stopping = 10 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	geth, pocket := flag.String("geth", "bin/geth", "geth"), flag.String("pocket", "bin/pocket", "pocket")
	flag.Parse()
	if err := run(ctx, *geth, *pocket, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "compare_demo:", err)
		os.Exit(1)
	}
}

// run shows it, with flags of pocket compare.
func run(ctx context.Context, geth, pocket string, flags []string) (err error) {
	home, err := os.MkdirTemp("", "compare-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	first := filepath.Join(home, "fast")
	if err := makeChain(ctx, geth, first); err != nil {
		return fmt.Errorf("make a chain: %w", err)
	}
	urls := make(map[string]string)
	for _, name := range []string{"fast", "slow", "stopped"} {
		if name != "fast" {
			if err := os.CopyFS(filepath.Join(home, name), os.DirFS(first)); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{"fast", "slow", "stopped"} {
		node, err := start(ctx, geth, filepath.Join(home, name))
		if err != nil {
			return fmt.Errorf("start geth %s: %w", name, err)
		}
		defer func() { err = errors.Join(err, node.stop()) }()
		urls[name] = node.url
		if name == "stopped" {
			if err := node.stop(); err != nil {
				return err
			}
		}
	}
	slow, err := delay(urls["slow"])
	if err != nil {
		return err
	}
	defer slow.Close()
	args := append([]string{"compare", "--allow-private"}, flags...)
	args = append(args, "fast="+urls["fast"], "slow=http://"+slow.Addr().String(), "stopped="+urls["stopped"])
	fmt.Fprintln(os.Stderr, "+", pocket, strings.Join(args, " "))
	command := exec.CommandContext(ctx, pocket, args...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Cancel = func() error { return nil } // Ctrl-C has reached it too
	command.WaitDelay = stopping
	return command.Run()
}

// delay listens for requests to a node, and hands them on late.
func delay(node string) (net.Listener, error) {
	target, err := url.Parse(node)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	go func() {
		_ = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(slowness):
				proxy.ServeHTTP(w, r)
			case <-r.Context().Done():
			}
		}))
	}()
	return listener, nil
}

// makeChain has a geth make blocks, one for each transaction, and ends it.
func makeChain(ctx context.Context, program, home string) (err error) {
	node, err := start(ctx, program, home)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, node.stop()) }()
	var accounts []string
	if err := node.ask(ctx, "eth_accounts", &accounts); err != nil || len(accounts) == 0 {
		return fmt.Errorf("find the developer's account: %w", err)
	}
	for i := range blocks {
		payment := map[string]string{"from": accounts[0], "to": fmt.Sprintf("0x%040x", i+4096), "value": fmt.Sprintf("0x%x", i+1),
			"nonce": fmt.Sprintf("0x%x", i)} // geth's own count may be behind the block that it has just made
		if err := node.ask(ctx, "eth_sendTransaction", nil, payment); err != nil {
			return err
		}
		if err := node.reach(ctx, i+1); err != nil {
			return err
		}
	}
	return nil
}

// node is a geth in developer mode, which makes a block when there is a transaction.
type node struct {
	url     string
	command *exec.Cmd
	ended   chan struct{}
	log     bytes.Buffer
}

// start starts a geth and waits until it answers.
func start(ctx context.Context, program, home string) (*node, error) {
	addresses, err := port.Free(ctx, "127.0.0.1", 1)
	if err != nil {
		return nil, err
	}
	_, free, err := net.SplitHostPort(addresses[0])
	if err != nil {
		return nil, err
	}
	n := &node{url: "http://" + addresses[0], ended: make(chan struct{})}
	n.command = exec.Command(program, "--dev", "--datadir", home, "--gcmode", "archive", "--cache", "64",
		"--http", "--http.addr", "127.0.0.1", "--http.port", free, "--http.api", "eth,net,web3",
		"--authrpc.addr", "127.0.0.1", "--authrpc.port", "0", "--ipcdisable",
		"--nodiscover", "--maxpeers", "0", "--port", "0", "--nat", "none", "--verbosity", "1")
	n.command.Env = []string{"HOME=" + home, "TMPDIR=" + home}
	n.command.Stdout, n.command.Stderr = &n.log, &n.log
	n.command.SysProcAttr = apart()
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, err
	}
	if err := n.command.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = n.command.Wait()
		close(n.ended)
	}()
	if err := n.reach(ctx, 0); err != nil {
		return nil, errors.Join(err, n.stop())
	}
	return n, nil
}

// reach waits until the node has a block of a number.
func (n *node) reach(ctx context.Context, number int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, starting, fmt.Errorf("no block %d after %v", number, starting))
	defer cancel()
	for {
		var head string
		if n.ask(ctx, "eth_blockNumber", &head) == nil {
			var reached int
			if _, err := fmt.Sscanf(head, "0x%x", &reached); err == nil && reached >= number {
				return nil
			}
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-n.ended:
			return fmt.Errorf("geth ended by itself: %s", n.log.String())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// ask calls a method of the node.
func (n *node) ask(ctx context.Context, method string, result any, params ...any) error {
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Result json.RawMessage
		Error  *struct{ Message string }
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return fmt.Errorf("%s: %s", method, answer.Error.Message)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

// stop ends the node, and waits until it has ended. It may be called again.
func (n *node) stop() error {
	_ = n.command.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-n.ended:
		return nil
	case <-time.After(stopping):
	}
	_ = n.command.Process.Kill()
	<-n.ended
	return errors.New("geth had to be killed")
}
