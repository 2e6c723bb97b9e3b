package node

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

const (
	// trustBehind is how far the trusted block is behind the newest one: all servers have it, and it is before the next
	// snapshot.
	trustBehind = 1000
	// trustPeriod is how old the trusted block may be when the node starts.
	trustPeriod = 7 * 24 * time.Hour
	// answerBytes and answerPatience bound an answer of a server. A commit has a signature of each validator.
	answerBytes    = 4 << 20
	answerPatience = 15 * time.Second
)

// trust is what 'pocket node init' was told about a snapshot.
type trust struct {
	fromSnapshot bool
	servers      []string
	height       int64
	hash         string
}

// stateSync asks the servers for a block to trust, unless one is given. It returns nil if the node begins with the genesis.
func (t trust) stateSync(ctx context.Context) (*configs.StateSync, error) {
	switch {
	case !t.fromSnapshot && (len(t.servers) > 0 || t.height != 0 || t.hash != ""):
		return nil, command.Fail(command.ExitUsage, "--trust-rpc, --trust-height and --trust-hash are for --from-snapshot")
	case !t.fromSnapshot:
		return nil, nil
	case len(t.servers) < 2:
		return nil, command.Fail(command.ExitUsage,
			"--from-snapshot needs --trust-rpc URL twice or more: what one node says is checked with another, best of another operator")
	case (t.height == 0) != (t.hash == ""):
		return nil, command.Fail(command.ExitUsage, "--trust-height and --trust-hash belong together")
	}
	sync := &configs.StateSync{RPCServers: t.servers, TrustHeight: t.height, TrustHash: strings.ToLower(t.hash), TrustPeriod: configs.Duration(trustPeriod)}
	if t.height != 0 {
		return sync, nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	var err error
	if sync.TrustHeight, err = trustedHeight(ctx, t.servers); err != nil {
		return nil, err
	}
	for i, server := range t.servers {
		hash, err := blockHash(ctx, server, sync.TrustHeight)
		if err != nil {
			return nil, unreached(i, err)
		}
		if i > 0 && hash != sync.TrustHash {
			return nil, command.Fail(command.ExitUntrusted, "the nodes of --trust-rpc disagree about block %d: one says %s, another %s; find out which is of your chain",
				sync.TrustHeight, sync.TrustHash, hash)
		}
		sync.TrustHash = hash
	}
	return sync, nil
}

// unreached names a server by its place: its URL may have a key in it.
func unreached(i int, err error) error {
	if wrong, is := errors.AsType[*url.Error](err); is {
		err = wrong.Err
	}
	return command.Fail(command.ExitUnreachable, "node %d of --trust-rpc does not answer as a node of CometBFT's JSON-RPC: %w", i+1, err)
}

// trustedHeight returns a height that all servers have, some way behind the newest.
func trustedHeight(ctx context.Context, servers []string) (int64, error) {
	var oldest, newest int64
	network := ""
	for i, server := range servers {
		var status struct {
			Node struct {
				Network string `json:"network"`
			} `json:"node_info"`
			Sync struct {
				Earliest string `json:"earliest_block_height"`
				Latest   string `json:"latest_block_height"`
			} `json:"sync_info"`
		}
		if err := ask(ctx, server, "status", nil, &status); err != nil {
			return 0, unreached(i, err)
		}
		earliest, err := strconv.ParseInt(status.Sync.Earliest, 10, 64)
		latest, err2 := strconv.ParseInt(status.Sync.Latest, 10, 64)
		if err := cmp.Or(err, err2); err != nil {
			return 0, unreached(i, errors.New("its status has no heights"))
		}
		if i > 0 && status.Node.Network != network {
			return 0, command.Fail(command.ExitUntrusted, "the nodes of --trust-rpc are of different chains: %s and %s",
				terminal.Clean(terminal.Short(network)), terminal.Clean(terminal.Short(status.Node.Network)))
		}
		if i == 0 {
			network, newest = status.Node.Network, latest
		}
		oldest, newest = max(oldest, earliest), min(newest, latest)
	}
	height := max(oldest, newest-trustBehind, 1)
	if height > newest {
		return 0, command.Fail(command.ExitFailure, "the nodes of --trust-rpc have no block in common: one has %d and earlier, another %d and later", newest, oldest)
	}
	return height, nil
}

// blockHash returns the hash of a block in lower-case hex digits.
func blockHash(ctx context.Context, server string, height int64) (string, error) {
	var commit struct {
		Signed struct {
			Commit struct {
				Block struct {
					Hash string `json:"hash"`
				} `json:"block_id"`
			} `json:"commit"`
		} `json:"signed_header"`
	}
	if err := ask(ctx, server, "commit", url.Values{"height": {strconv.FormatInt(height, 10)}}, &commit); err != nil {
		return "", err
	}
	hash, err := hex.DecodeString(commit.Signed.Commit.Block.Hash)
	if err != nil || len(hash) != 32 {
		return "", fmt.Errorf("block %d has no hash there", height)
	}
	return hex.EncodeToString(hash), nil
}

// ask asks a node of CometBFT's JSON-RPC by a GET request.
func ask(ctx context.Context, server, route string, parameters url.Values, result any) error {
	target, err := url.Parse(server)
	if err != nil || target.Host == "" {
		return errors.New("it is no URL")
	}
	target = target.JoinPath(route)
	target.RawQuery = parameters.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return errors.New("it is no URL")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, answerBytes))
	if err != nil {
		return err
	}
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  *struct {
			Message string `json:"message"`
			Data    string `json:"data"`
		} `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("status %d, and no JSON", response.StatusCode)
	}
	if answer.Error != nil {
		return fmt.Errorf("it says %s", terminal.Clean(terminal.Short(answer.Error.Message+": "+answer.Error.Data)))
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		return errors.New("its answer has another form")
	}
	return nil
}
