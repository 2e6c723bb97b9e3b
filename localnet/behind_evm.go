package localnet

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// evmView is that of Ethereum's JSON-RPC, as geth answers: blocks that it does not have are null, and their states an
// error.
func evmView() chainView {
	blocks := []string{"eth_getBlockByNumber", "eth_getBlockTransactionCountByNumber", "eth_getBlockReceipts", "eth_getHeaderByNumber",
		"eth_getTransactionByBlockNumberAndIndex", "eth_getUncleByBlockNumberAndIndex", "eth_getUncleCountByBlockNumber"}
	// The argument that names the block.
	states := map[string]int{"eth_call": 1, "eth_createAccessList": 1, "eth_estimateGas": 1, "eth_getBalance": 1, "eth_getCode": 1,
		"eth_getTransactionCount": 1, "eth_getProof": 2, "eth_getStorageAt": 2}
	return chainView{
		heads:  []string{"eth_blockNumber"},
		height: quantityOf,
		limit: func(c *call, last int64) (string, any) {
			place, state := states[c.method]
			switch {
			case state:
				if _, beyond := boundBlock(c, place, last); beyond {
					return "error", evmError(-32000, "header not found")
				}
			case slices.Contains(blocks, c.method):
				if _, beyond := boundBlock(c, 0, last); beyond {
					return "result", nil
				}
			case c.method == "eth_feeHistory":
				if height, beyond := boundBlock(c, 1, last); beyond {
					return "error", evmError(-32000, fmt.Sprintf("request beyond head block: requested %d, head %d", height, last))
				}
			case c.method == "eth_getLogs" && boundLogs(c, last):
				return "error", evmError(-32602, "block range extends beyond current head block")
			}
			return "", nil
		},
		alter: map[string]func(json.RawMessage, int64) json.RawMessage{
			"eth_getBlockByHash": unlessLater, "eth_getTransactionByHash": unlessLater, "eth_getTransactionReceipt": unlessLater},
	}
}

func evmError(code int, message string) any { return map[string]any{"code": code, "message": message} }

func quantityOf(result json.RawMessage) (int64, error) {
	return strconv.ParseInt(strings.TrimPrefix(strings.Trim(string(result), `"`), "0x"), 16, 64)
}

func quantity(height int64) string { return "0x" + strconv.FormatInt(height, 16) }

// newestBlock reports whether an argument means the newest block.
func newestBlock(argument json.RawMessage) bool {
	return len(argument) == 0 || slices.Contains([]string{`"latest"`, `"pending"`, `"safe"`, `"finalized"`}, string(argument))
}

// boundBlock reports whether the argument at a place is a height above the last one, and which. An argument that means
// the newest block becomes the last height.
func boundBlock(c *call, place int, last int64) (height int64, beyond bool) {
	argument := c.argument("", place)
	if newestBlock(argument) {
		c.set("", place, quantity(last))
		return last, false
	}
	height, err := quantityOf(argument)
	return height, err == nil && height > last
}

// boundLogs is boundBlock for both ends of the range of a filter.
func boundLogs(c *call, last int64) (beyond bool) {
	var filter map[string]json.RawMessage
	if json.Unmarshal(c.argument("", 0), &filter) != nil || filter["blockHash"] != nil {
		return false
	}
	for _, end := range []string{"fromBlock", "toBlock"} {
		if newestBlock(filter[end]) {
			filter[end] = encode(quantity(last))
		}
		height, err := quantityOf(filter[end])
		beyond = beyond || err == nil && height > last
	}
	c.set("", 0, filter)
	return beyond
}

// unlessLater returns a block or what is in one; null if the block is above the last height.
func unlessLater(result json.RawMessage, last int64) json.RawMessage {
	var block struct {
		Number      json.RawMessage `json:"number"`
		BlockNumber json.RawMessage `json:"blockNumber"`
	}
	if json.Unmarshal(result, &block) != nil {
		return result
	}
	for _, number := range []json.RawMessage{block.Number, block.BlockNumber} {
		if height, err := quantityOf(number); err == nil && height > last {
			return json.RawMessage("null")
		}
	}
	return result
}
