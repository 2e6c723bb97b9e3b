package question

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
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
	// evmMaxLag is a minute of a public Ethereum chain.
	evmMaxLag = 5
	// Nodes differ in leading zeros of words and in the case of digits.
	hexNumber = types.CompareForm_COMPARE_FORM_HEX_NUMBER
	hexData   = types.CompareForm_COMPARE_FORM_HEX_DATA
	// historySlots is the length of the ring in which the contract of EIP-2935 keeps block hashes.
	historySlots = 8191
)

// historyStorage is the contract of EIP-2935 ("Serve historical block hashes from state").
const historyStorage = "0x0000f90827f1c53a10cb7a02335b175320002935"

// EVM is the catalogue for chains served by Ethereum's JSON-RPC (https://ethereum.github.io/execution-apis). Heights
// are hex quantities, never tags such as "latest": honest nodes would differ. Depth is how many blocks below the head
// count as settled: EVMFinality, or what a chain without forks needs for its nodes to keep up.
//
// Blocks, receipts and logs are objects, to which makes of nodes add members of their own (totalDifficulty,
// blockTimestamp): where the nodes are of several makes or ages, use EVMValues, or have those members ignored.
func EVM(depth int64) Catalogue {
	values := EVMValues(depth)
	values.Name = NameEVM
	values.Kinds = append(values.Kinds,
		Kind{Call: blockByNumber, Variants: 2, Tip: true, Unique: true},
		Kind{Call: atBlock("eth_getBlockReceipts"), Weight: 4},
		Kind{Call: logRange, Variants: mostLogBlocks, Weight: 3})
	return values
}

// EVMValues is EVM without the questions whose answers are objects. What is left are single values, for which the
// specification leaves one form.
//
// Most of them need state or execution: hashes and counts come with headers and blocks, and codes, nonces and unknown accounts
// have values that can be guessed.
func EVMValues(depth int64) Catalogue {
	return Catalogue{
		Name:   NameEVMValues,
		Depth:  depth,
		Styles: ethereumStyles(),
		Head:   &Head{Call: Positional("eth_blockNumber"), Read: readBlockNumber},
		MaxLag: evmMaxLag,
		Kinds: []Kind{
			{Call: atBlock("eth_getBlockTransactionCountByNumber"), Form: hexNumber, Tip: true},
			{Call: accountAtBlock("eth_getBalance"), Form: hexNumber, Variants: balanceVariants, Recent: recentState, Weight: 3},
			{Call: accountAtBlock("eth_getTransactionCount"), Form: hexNumber, Variants: accountVariants, Recent: recentState},
			{Call: accountAtBlock("eth_getCode"), Form: hexData, Variants: accountVariants, Recent: recentState},
			{Call: blockHashInState, Unique: true, Form: hexNumber, Recent: recentState},
			{Call: blockHashByCall, Unique: true, Form: hexData, Variants: recentState, Recent: recentState},
			{Call: balanceByProgram, Unique: true, Form: hexData, Variants: programVariants, Recent: recentState, Weight: 12},
		},
	}
}

func atBlock(method string) func(*rand.Rand, int64, int64) (Call, bool) {
	return func(_ *rand.Rand, height, _ int64) (Call, bool) {
		return Positional(method, Param{"block", quantity(height)}), true
	}
}

func blockByNumber(_ *rand.Rand, height, variant int64) (Call, bool) {
	return Positional("eth_getBlockByNumber", Param{"block", quantity(height)}, Param{"full", variant == 1}), true
}

// logRange ends at the height, so that it is settled as a whole.
func logRange(_ *rand.Rand, height, variant int64) (Call, bool) {
	from := height - variant
	filter := []Param{{"fromBlock", quantity(from)}, {"toBlock", quantity(height)}}
	return Positional("eth_getLogs", Param{"filter", filter}), from >= 1
}

func accountAtBlock(method string) func(*rand.Rand, int64, int64) (Call, bool) {
	return func(source *rand.Rand, height, variant int64) (Call, bool) {
		return Positional(method, Param{"account", account(source, variant)}, Param{"block", quantity(height)}), true
	}
}

// blockHashInState asks for the slot that holds the hash of the block before: state that changes with every block and
// that nobody can make up.
func blockHashInState(_ *rand.Rand, height, _ int64) (Call, bool) {
	return Positional("eth_getStorageAt", Param{"account", historyStorage}, Param{"slot", quantity((height - 1) % historySlots)},
		Param{"block", quantity(height)}), true
}

// blockHashByCall has the same contract execute: it returns the hash of the block whose number it is given, one of those
// before.
func blockHashByCall(_ *rand.Rand, height, variant int64) (Call, bool) {
	of := height - 1 - variant
	call := []Param{{"to", historyStorage}, {"data", fmt.Sprintf("0x%064x", max(0, of))}}
	return Positional("eth_call", Param{"call", call}, Param{"block", quantity(height)}), of >= 0
}

// balanceByProgram has a program execute that is another one each time: it returns a hash of its number, of the balance of a
// known account and of the hash of the block before. So the answer cannot be looked up, nor made up of headers or constants,
// and no other chain has it. The program is the code of a call that makes a contract, as clients send it to read much at once;
// geth was tried.
func balanceByProgram(source *rand.Rand, height, variant int64) (Call, bool) {
	program := fmt.Sprintf("0x"+
		"67%016x600052"+ // store the number at 0
		"73%s31602052"+ // store the balance at 32
		"67%016x40604052"+ // store the hash of the block before at 64
		"6060600020"+ // hash the three
		"60081c600052"+ // without its last byte: no code begins with 0xef, and this begins with 0
		"60206000f3", // return it
		source.Uint64(), knownAccounts()[variant][2:], max(0, height-1))
	return Positional("eth_call", Param{"call", []Param{{"data", program}}}, Param{"block", quantity(height)}), true
}

// programVariants: each known account has programs that read its balance.
const programVariants = 10

// knownAccounts have a state that is more than nothing on many chains.
func knownAccounts() [10]string {
	return [10]string{
		historyStorage,
		"0x000f3df6d732807ef1319fb7b8bb8522d0beac02", // EIP-4788: beacon block roots
		"0x00000000219ab540356cbb839cbe05303d7705fa", // mainnet's deposit contract
		"0xca11bde05977b3631167028862be2a173976ca11", // Multicall3
		"0x000000000022d473030f116ddee9f6b43ac78ba3", // Permit2
		"0x5ff137d4b0fdcd49dca30c7cf57e578a026d2789", // EIP-4337: entry point 0.6
		"0x4e59b44847b379578588920ca78fbf26c0b4956c", // the deterministic deployment proxy
		"0x71562b71999873db5b286df957af199ec94617f7", // the developer account of geth
		"0x000000000000000000000000000000000000dead", // burnt
		"0x0000000000000000000000000000000000000000", // burnt; geth's fee recipient in developer mode
	}
}

// accountVariants: half of the accounts that are asked about are known ones.
const accountVariants = 20

// balanceVariants: nearly all accounts whose balance is asked for are known ones, since others have none.
const balanceVariants = 12

// account is a known one or any.
func account(source *rand.Rand, variant int64) string {
	if known := knownAccounts(); variant < int64(len(known)) {
		return known[variant]
	}
	var address [20]byte
	for i := range address {
		address[i] = byte(source.Uint32())
	}
	return "0x" + hex.EncodeToString(address[:])
}

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
	if !prefixed || err != nil || height > highestHeight {
		return 0, errors.New("read block number: the result is none")
	}
	return int64(height), nil
}
