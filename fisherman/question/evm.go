package question

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// EVMFinality is the settled depth for a public Ethereum chain: two epochs of 32 blocks, after which proof of stake has
// finalised a block.
const EVMFinality = 64

const (
	// recentState is how many settled heights are asked about balances and the like. A node that is no archive forgets
	// states older than 128 blocks; with the finality and the age of the known head this stays well within.
	recentState = 32
	// mostLogBlocks is the largest range of blocks whose logs are asked for. Nodes refuse or cut long ones.
	mostLogBlocks = 5
	// historySlots is the length of the ring in which the contract of EIP-2935 keeps block hashes.
	historySlots = 8191
	// highestEVM is beyond every real chain. A node that claims more is not believed.
	highestEVM = 1 << 48
)

// historyStorage is the contract of EIP-2935 ("Serve historical block hashes from state").
const historyStorage = "0x0000f90827f1c53a10cb7a02335b175320002935"

// EVM is the catalogue for chains served by Ethereum's JSON-RPC (https://ethereum.github.io/execution-apis). Heights
// are hex quantities, never tags such as "latest": honest nodes would differ. Depth is how many blocks below the head
// count as settled: EVMFinality, or what a chain without forks needs for its nodes to keep up.
func EVM(depth int64) Catalogue {
	return Catalogue{
		Positional: true,
		Depth:      depth,
		Head: &Head{
			Payload: []byte(`{"jsonrpc":"2.0","id":1,"method":"eth_blockNumber","params":[]}`),
			Read:    readBlockNumber,
		},
		Kinds: []Kind{
			{Method: "eth_getBlockByNumber", Params: blockByNumber},
			{Method: "eth_getBlockTransactionCountByNumber", Params: atBlock},
			{Method: "eth_getBlockReceipts", Params: atBlock},
			{Method: "eth_getLogs", Params: logRange},
			{Method: "eth_getBalance", Params: accountAtBlock, Recent: recentState},
			{Method: "eth_getTransactionCount", Params: accountAtBlock, Recent: recentState},
			{Method: "eth_getCode", Params: accountAtBlock, Recent: recentState},
			{Method: "eth_getStorageAt", Params: blockHashInState, Recent: recentState},
		},
	}
}

func atBlock(_ *rand.Rand, height int64) []Param {
	return []Param{{"block", quantity(height)}}
}

func blockByNumber(source *rand.Rand, height int64) []Param {
	return []Param{{"block", quantity(height)}, {"full", source.IntN(2) == 1}}
}

// logRange ends at the height, so that it is settled as a whole.
func logRange(source *rand.Rand, height int64) []Param {
	from := max(1, height-source.Int64N(mostLogBlocks))
	return []Param{{"filter", []Param{{"fromBlock", quantity(from)}, {"toBlock", quantity(height)}}}}
}

func accountAtBlock(source *rand.Rand, height int64) []Param {
	return []Param{{"account", account(source)}, {"block", quantity(height)}}
}

// blockHashInState asks for the slot that holds the hash of the block before: state that changes with every block and
// that nobody can make up.
func blockHashInState(_ *rand.Rand, height int64) []Param {
	return []Param{{"account", historyStorage}, {"slot", quantity((height - 1) % historySlots)}, {"block", quantity(height)}}
}

// account is, half of the time each, any or one whose state is more than nothing on many chains.
func account(source *rand.Rand) string {
	known := [...]string{
		historyStorage,
		"0x000f3df6d732807ef1319fb7b8bb8522d0beac02", // EIP-4788: beacon block roots
		"0x00000000219ab540356cbb839cbe05303d7705fa", // mainnet's deposit contract
		"0x71562b71999873db5b286df957af199ec94617f7", // the developer account of geth
		"0x000000000000000000000000000000000000dead", // burnt
		"0x0000000000000000000000000000000000000000", // burnt; geth's fee recipient in developer mode
	}
	if source.IntN(2) == 0 {
		return known[source.IntN(len(known))]
	}
	var address [20]byte
	for i := range address {
		address[i] = byte(source.Uint32())
	}
	return "0x" + hex.EncodeToString(address[:])
}

// quantity is a number as Ethereum's JSON-RPC writes it: hex without leading zeros.
func quantity(n int64) string { return "0x" + strconv.FormatInt(n, 16) }

// readBlockNumber reads an answer to eth_blockNumber.
func readBlockNumber(answer []byte) (int64, error) {
	var reply struct {
		Result *string         `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(answer, &reply); err != nil {
		return 0, fmt.Errorf("read block number: %w", err)
	}
	if reply.Result == nil {
		return 0, errors.New("read block number: the answer has none")
	}
	digits, prefixed := strings.CutPrefix(*reply.Result, "0x")
	height, err := strconv.ParseUint(digits, 16, 63)
	if !prefixed || err != nil || height > highestEVM {
		return 0, fmt.Errorf("read block number: %.40q is none", *reply.Result)
	}
	return int64(height), nil
}
