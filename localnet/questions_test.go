package localnet

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/fisherman/verify"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// answerOf sends a question to a node as a servicer would.
func answerOf(t *testing.T, client *http.Client, node string, payload types.Payload) (status uint32, body []byte) {
	t.Helper()
	method, address, sent := http.MethodPost, node, payload.JSONRPC
	if payload.REST != nil {
		method, address, sent = payload.REST.GetMethod(), node+payload.REST.GetPath(), nil
	}
	request, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(sent))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for _, header := range payload.REST.GetHeaders() {
		request.Header.Set(header.GetName(), header.GetValue())
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	return uint32(response.StatusCode), body
}

// headOf asks a node for its newest height.
func headOf(t *testing.T, client *http.Client, node string, head *question.Head) int64 {
	t.Helper()
	_, answer := answerOf(t, client, node, head.Payload())
	height, err := head.Read(answer)
	if err != nil {
		t.Fatal(err)
	}
	return height
}

// awaitHead waits until a node is at a height or beyond.
func awaitHead(t *testing.T, client *http.Client, node string, head *question.Head, want int64) int64 {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	timeout := time.After(30 * time.Second)
	for {
		height := headOf(t, client, node, head)
		if height >= want {
			return height
		}
		select {
		case <-again.C:
		case <-timeout:
			t.Fatalf("%s is at height %d; want %d", node, height, want)
		}
	}
}

// askEverything asks each kind of question in each style, and once more after two more blocks: a node must always give
// the same answer.
func askEverything(t *testing.T, node string, catalogue question.Catalogue, head *question.Head) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	first := make(map[string]verify.Digest)
	asked := make(map[string]question.Question)
	now := awaitHead(t, client, node, head, catalogue.Depth+2)
	askNearTheTip(t, client, node, catalogue, head, now)
	for k, kind := range catalogue.Kinds {
		alone := catalogue
		alone.Kinds = []question.Kind{kind}
		for n := range byte(12) {
			if n >= 9 && kind.AtHead { // the newest block itself
				alone.Depth, now = 0, headOf(t, client, node, head)
				alone.Kinds[0].Recent = 1
			}
			seed := [32]byte{n, byte(k)}
			drawn, err := alone.Draw(seed, alone.Client(seed, uint32(n)), now, nil)
			if err != nil {
				t.Fatal(err)
			}
			first[drawn.Label], asked[drawn.Label] = digestOf(t, client, node, drawn), drawn
		}
	}
	awaitHead(t, client, node, head, now+2)
	for label, drawn := range asked {
		if digestOf(t, client, node, drawn) != first[label] {
			t.Errorf("%s: another answer two blocks later", label)
		}
	}
}

// askNearTheTip asks for the newest height in each style, for the newest block, and for one that there is not yet: a node
// must deny that it has it.
func askNearTheTip(t *testing.T, client *http.Client, node string, catalogue question.Catalogue, head *question.Head, now int64) {
	t.Helper()
	for n := range byte(12) {
		seed := [32]byte{n}
		asked, err := catalogue.DrawHead(catalogue.Client(seed, uint32(n)))
		if err != nil {
			t.Fatal(err)
		}
		digestOf(t, client, node, asked)
		_, answer := answerOf(t, client, node, asked.Payload)
		if height, err := asked.ReadHead(answer); err != nil || height < now {
			t.Errorf("%s: height %d after %d, %v: %.200s", asked.Label, height, now, err, answer)
		}
		near, err := catalogue.DrawTip(seed, catalogue.Client(seed, uint32(n)), headOf(t, client, node, head), nil)
		if err != nil {
			t.Fatal(err)
		}
		digestOf(t, client, node, near)
		beyond, err := catalogue.DrawTip(seed, catalogue.Client(seed, uint32(n)), now+1_000_000, nil)
		if err != nil {
			t.Fatal(err)
		}
		status, answer := answerOf(t, client, node, beyond.Payload)
		reading := verify.ReadAnswer(beyond.Payload, status, answer, beyond.Form).Admitted(beyond.Denials)
		if reading.Class != verify.Absence && reading.Class != verify.Claim {
			t.Errorf("%s: class %d, %v: %d %.200s", beyond.Label, reading.Class, reading.Err, status, answer)
		}
	}
}

func digestOf(t *testing.T, client *http.Client, node string, asked question.Question) verify.Digest {
	t.Helper()
	status, answer := answerOf(t, client, node, asked.Payload)
	reading := verify.ReadAnswer(asked.Payload, status, answer, asked.Form)
	if !reading.Data() {
		t.Errorf("%s: %v: %.200s", asked.Label, reading.Err, answer)
	}
	if slices.Contains([]string{`null`, ``}, string(answer)) {
		t.Errorf("%s: answered %q", asked.Label, answer)
	}
	return reading.Digest
}

func TestCometBFTAnswersEveryQuestionForEver(t *testing.T) {
	o := quick()
	o.Servicers, o.Slow, o.Down, o.Lying, o.BlockTime = 1, 0, 0, 0, 100*time.Millisecond
	l, stop := started(t, o)
	waitForHeight(t, l, 6)
	askEverything(t, l.ChainRPCURL(), question.CometBFT(), question.CometBFT().Head)
	askEverything(t, l.ChainRPCURL(), question.CometBFTURI(), question.CometBFTURI().Head)
	stop()
}

func TestGethAnswersEveryQuestionForEver(t *testing.T) {
	geth, err := filepath.Abs("../bin/geth")
	if named := os.Getenv("POCKET_GETH"); named != "" {
		geth = named
	}
	if _, missing := os.Stat(geth); err != nil || missing != nil {
		t.Skip("no geth; 'make geth' builds it")
	}
	o := quick()
	o.Servicers, o.Slow, o.Down, o.Lying, o.Ethereum, o.Geth = 1, 0, 0, 0, true, geth
	l, stop := started(t, o)
	waitForHeight(t, l, 2)
	askEverything(t, l.EthereumURL(), question.EVM(ethereumDepth), question.EVM(ethereumDepth).Head)
	stop()
}
