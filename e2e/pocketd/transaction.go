package pocketd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
)

// send signs a transaction with the account's key, sends it and waits until it is in a block, whose height it returns. A
// transaction that failed there is an error too.
func (n *Network) send(ctx context.Context, from account, arguments ...string) (int64, error) {
	what := arguments[0] + " " + arguments[1]
	arguments = append(append([]string{"tx"}, arguments...), "--from", from.name, "--chain-id", ChainID,
		"--node", "tcp://"+n.at.rpc, "--gas", "2000000", "--gas-prices", "0"+denomination, "--yes", "--output", "json",
		"--keyring-backend", "test")
	out, err := n.program.run(ctx, "", arguments...)
	if err != nil {
		return 0, fmt.Errorf("send %s: %w", what, err)
	}
	var sent struct {
		Hash   string `json:"txhash"`
		Code   int
		RawLog string `json:"raw_log"`
	}
	// Advice for people may precede the answer.
	if start := bytes.IndexByte(out, '{'); start > 0 {
		out = out[start:]
	}
	if err := json.Unmarshal(out, &sent); err != nil {
		return 0, fmt.Errorf("send %s: read answer %q: %w", what, tail(out), err)
	}
	if sent.Code != 0 {
		return 0, fmt.Errorf("send %s: code %d: %s", what, sent.Code, sent.RawLog)
	}
	var included struct {
		Result struct {
			Height  string
			Outcome struct {
				Code int
				Log  string
			} `json:"tx_result"`
		}
	}
	err = n.await(ctx, what+" in a block", func(ctx context.Context) (bool, error) {
		err := get(ctx, n.RPC()+"/tx?hash=0x"+sent.Hash, &included)
		return err == nil, err
	})
	if err != nil {
		return 0, err
	}
	if outcome := included.Result.Outcome; outcome.Code != 0 {
		return 0, fmt.Errorf("%s: code %d: %s", what, outcome.Code, outcome.Log)
	}
	fmt.Fprintf(n.options.Log, "pocketd: %s by %s\n", what, from.name)
	return strconv.ParseInt(included.Result.Height, 10, 64)
}
