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
	// trustBehind is how far the trusted block is behind the newest one, if that is recent enough: before the snapshots, as
	// headers are verified faster forwards.
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
	oldest, newest, err := commonHeights(ctx, t.servers)
	if err != nil {
		return nil, err
	}
	for behind := int64(trustBehind); ; behind /= 10 {
		height := min(max(newest-behind, oldest), newest)
		block, err := commonBlock(ctx, t.servers, height)
		if err != nil {
			return nil, err
		}
		// The time of block 1 is the genesis', which may be any.
		if time.Since(block.time) < trustPeriod/2 {
			sync.TrustHeight, sync.TrustHash = height, block.hash
			return sync, nil
		}
		if behind == 0 {
			return nil, command.Fail(command.ExitFailure, "the newest block of the nodes of --trust-rpc, %d, is of %s: the chain stands still, or the clock of this machine is wrong",
				height, block.time.UTC().Format(time.RFC3339))
		}
	}
}

// block is what servers say of a block.
type block struct {
	hash string
	time time.Time
}

// commonBlock returns a block of which all servers say the same.
func commonBlock(ctx context.Context, servers []string, height int64) (common block, err error) {
	for i, server := range servers {
		said, err := blockOf(ctx, server, height)
		if err != nil {
			return block{}, unreached(i, err)
		}
		if i > 0 && said.hash != common.hash {
			return block{}, command.Fail(command.ExitUntrusted, "the nodes of --trust-rpc disagree about block %d: one says %s, another %s; find out which is of your chain",
				height, common.hash, said.hash)
		}
		common = said
	}
	return common, nil
}

// unreached names a server by its place: its URL may have a key in it.
func unreached(i int, err error) error {
	if wrong, is := errors.AsType[*url.Error](err); is {
		err = wrong.Err
	}
	return command.Fail(command.ExitUnreachable, "node %d of --trust-rpc does not answer as a node of CometBFT's JSON-RPC: %w", i+1, err)
}

// commonHeights returns the range of heights that all servers have.
func commonHeights(ctx context.Context, servers []string) (oldest, newest int64, err error) {
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
			return 0, 0, unreached(i, err)
		}
		earliest, err := strconv.ParseInt(status.Sync.Earliest, 10, 64)
		latest, err2 := strconv.ParseInt(status.Sync.Latest, 10, 64)
		if err := cmp.Or(err, err2); err != nil {
			return 0, 0, unreached(i, errors.New("its status has no heights"))
		}
		if i > 0 && status.Node.Network != network {
			return 0, 0, command.Fail(command.ExitUntrusted, "the nodes of --trust-rpc are of different chains: %s and %s",
				terminal.Clean(terminal.Short(network)), terminal.Clean(terminal.Short(status.Node.Network)))
		}
		if i == 0 {
			network, newest = status.Node.Network, latest
		}
		oldest, newest = max(oldest, earliest), min(newest, latest)
	}
	if oldest = max(oldest, 1); oldest > newest {
		return 0, 0, command.Fail(command.ExitFailure, "the nodes of --trust-rpc have no block in common: one has %d and earlier, another %d and later", newest, oldest)
	}
	return oldest, newest, nil
}

// blockOf returns what a server says of a block: its hash, in lower-case hex digits, and its time.
func blockOf(ctx context.Context, server string, height int64) (block, error) {
	var commit struct {
		Signed struct {
			Header struct {
				Time time.Time `json:"time"`
			} `json:"header"`
			Commit struct {
				Block struct {
					Hash string `json:"hash"`
				} `json:"block_id"`
			} `json:"commit"`
		} `json:"signed_header"`
	}
	if err := ask(ctx, server, "commit", url.Values{"height": {strconv.FormatInt(height, 10)}}, &commit); err != nil {
		return block{}, err
	}
	hash, err := hex.DecodeString(commit.Signed.Commit.Block.Hash)
	if err != nil || len(hash) != 32 {
		return block{}, fmt.Errorf("block %d has no hash there", height)
	}
	return block{hex.EncodeToString(hash), commit.Signed.Header.Time}, nil
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
