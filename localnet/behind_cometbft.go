package localnet

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// cometbftView is that of CometBFT's RPC (rpc/core): nodes answer questions about heights that they do not have with an
// internal error.
func cometbftView() chainView {
	// How far above its newest block a node answers: it knows the next validators and parameters.
	above := map[string]int64{"block": 0, "block_results": 0, "commit": 0, "header": 0, "consensus_params": 1, "validators": 1}
	return chainView{
		heads:  []string{"abci_info", "status"},
		height: cometbftHeight,
		limit: func(c *call, last int64) (string, any) {
			if c.method == "blockchain" {
				if most, err := decimalArgument(c.argument("maxHeight", 1)); err == nil && (most == 0 || most > last) {
					c.set("maxHeight", 1, strconv.FormatInt(last, 10))
				}
				return "", nil
			}
			ahead, is := above[c.method]
			if !is {
				return "", nil
			}
			newest := last + ahead
			asked := c.argument("height", 0)
			if height, err := decimalArgument(asked); err == nil && height > newest {
				return "error", map[string]any{"code": -32603, "message": "Internal error",
					"data": fmt.Sprintf("height %d must be less than or equal to the current blockchain height %d", height, newest)}
			}
			if len(asked) == 0 {
				c.set("height", 0, strconv.FormatInt(newest, 10))
			}
			return "", nil
		},
		alter: map[string]func(json.RawMessage, int64) json.RawMessage{"blockchain": func(result json.RawMessage, last int64) json.RawMessage {
			var info map[string]json.RawMessage
			if json.Unmarshal(result, &info) != nil {
				return result
			}
			info["last_height"] = encode(strconv.FormatInt(last, 10))
			return encode(info)
		}},
	}
}

func cometbftHeight(status json.RawMessage) (int64, error) {
	var read struct {
		SyncInfo struct {
			Height int64 `json:"latest_block_height,string"`
		} `json:"sync_info"`
	}
	err := json.Unmarshal(status, &read)
	return read.SyncInfo.Height, err
}

// decimalArgument reads a number, or text with one; 0 if there is none.
func decimalArgument(argument json.RawMessage) (int64, error) {
	if len(argument) == 0 {
		return 0, nil
	}
	return strconv.ParseInt(strings.Trim(string(argument), `"`), 10, 64)
}
