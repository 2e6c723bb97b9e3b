package localnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/pause"
)

const (
	// ethereumTimeout bounds one request to geth, and ethereumAnswer its answer.
	ethereumTimeout = 5 * time.Second
	ethereumAnswer  = 1 << 20
	// trafficEvery is the pause between two transactions.
	trafficEvery = time.Second
	// emitter is the code of a contract whose creation writes one log entry (LOG1 with the topic 1 and no data), and that
	// then has no code.
	emitter = "0x600160006000a100"
)

// ethereumClient sends requests to the LocalNet's geth.
type ethereumClient struct {
	url       string
	transport *http.Transport
}

func newEthereumClient(url string) *ethereumClient {
	return &ethereumClient{url: url, transport: &http.Transport{Proxy: nil, MaxIdleConns: 1}}
}

func (c *ethereumClient) close() { c.transport.CloseIdleConnections() }

func (c *ethereumClient) call(ctx context.Context, method, params string, result any) error {
	ctx, cancel := context.WithTimeout(ctx, ethereumTimeout)
	defer cancel()
	body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":%q,"params":%s}`, method, params)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("build %s: %w", method, err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("ask %s: %w", method, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, ethereumAnswer))
	if err != nil {
		return fmt.Errorf("read answer to %s: %w", method, err)
	}
	var reply struct {
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(answer, &reply); err != nil {
		return fmt.Errorf("read answer to %s: %w", method, err)
	}
	if reply.Error != nil {
		return fmt.Errorf("%s: %s", method, reply.Error.Message)
	}
	return json.Unmarshal(reply.Result, result)
}

// height returns the number of the newest block.
func (c *ethereumClient) height(ctx context.Context) (int64, error) {
	var quantity string
	if err := c.call(ctx, "eth_blockNumber", "[]", &quantity); err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimPrefix(quantity, "0x"), 16, 64)
}

// developer returns the account whose key a geth in developer mode holds.
func (c *ethereumClient) developer(ctx context.Context) (string, error) {
	var accounts []string
	if err := c.call(ctx, "eth_accounts", "[]", &accounts); err != nil {
		return "", err
	}
	if len(accounts) == 0 {
		return "", errors.New("geth has no account")
	}
	return accounts[0], nil
}

// traffic sends a transaction a second, so that balances, counts and logs differ from block to block.
type traffic struct {
	url    string
	logger *slog.Logger
}

// Serve sends transactions until ctx ends.
func (t *traffic) Serve(ctx context.Context) error {
	node := newEthereumClient(t.url)
	defer node.close()
	for {
		if err := t.send(ctx, node); err != nil && ctx.Err() == nil {
			t.logger.Debug("no traffic on the Ethereum chain", "error", err)
		}
		if pause.For(ctx, trafficEvery) != nil {
			return nil
		}
	}
}

func (t *traffic) send(ctx context.Context, node *ethereumClient) error {
	sender, err := node.developer(ctx)
	if err != nil {
		return err
	}
	var hash string
	return node.call(ctx, "eth_sendTransaction", fmt.Sprintf(`[{"from":%q,"data":%q}]`, sender, emitter), &hash)
}
