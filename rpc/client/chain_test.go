package client_test

import (
	"context"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/rpc/client"
)

func TestReadsTheChain(t *testing.T) {
	ctx := t.Context()
	for name, test := range map[string]struct {
		ask  func(ctx context.Context, node *client.Client) (bool, error)
		want asked
	}{
		"health": {func(ctx context.Context, node *client.Client) (bool, error) { return true, node.Health(ctx) }, asked{"/v1/health", ""}},
		"ready": {func(ctx context.Context, node *client.Client) (bool, error) {
			ready, err := node.Ready(ctx)
			return ready.Status == "ready" && ready.Height == 23 && len(ready.Controls) == 2 && ready.Controls[1].Fitness == api.ControlFitnessBehind, err
		}, asked{"/v1/ready", ""}},
		"version": {func(ctx context.Context, node *client.Client) (bool, error) {
			version, err := node.Version(ctx)
			return version == api.Version{Version: "v1.2.3", Revision: "abcdef", Time: "2026-01-02T03:04:05Z", Go: "go1.26"}, err
		}, asked{"/v1/version", ""}},
		"params": {func(ctx context.Context, node *client.Client) (bool, error) {
			params, err := node.Params(ctx, 3)
			return params.Height == 3 && strings.Contains(string(params.Params), `"fee":{"minimum_upokt":"10000"}`), err
		}, asked{"/v1/params", "height=3"}},
		"block": {func(ctx context.Context, node *client.Client) (bool, error) {
			block, err := node.Block(ctx, 0)
			return block.Height == 7 && block.Transactions == 11 && block.Proposer == servicer && len(block.Hash) == 64 && !block.Time.IsZero(), err
		}, asked{"/v1/block", ""}},
		"blocks_page": {func(ctx context.Context, node *client.Client) (bool, error) {
			blocks, err := node.Blocks(ctx, 3, 2)
			return blocks.Height == 23 && *blocks.Next == 5 && len(blocks.Blocks) == 2, err
		}, asked{"/v1/blocks", "from=3&limit=2"}},
		"transaction": {func(ctx context.Context, node *client.Client) (bool, error) {
			found, err := node.Transaction(ctx, "ab", 7)
			return found.Height == 7 && found.Result == "OK" && found.Message.Send != nil, err
		}, asked{"/v1/transaction", "hash=ab&height=7"}},
	} {
		opened, seen := node(t, 200, "application/json", golden(t, name))
		if fits, err := test.ask(ctx, opened); err != nil || !fits || *seen != test.want {
			t.Errorf("%s: fits %t, %v, asked %+v", name, fits, err, *seen)
		}
	}
}
