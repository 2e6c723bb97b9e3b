package question_test

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
)

// needsState are labels of questions that nobody answers who has headers and blocks only: their answers come from state, or
// from having executed the block or a program. Of Solana's, which nodes answer from their ledger, they are those that nobody
// answers without one: the time of a block is nearly that of its neighbours. Not among them are balances of accounts that nobody knows, codes, nonces (of
// the known accounts, hardly one ever changes), and the hashes that the chain keeps in its state.
func needsState() *regexp.Regexp {
	return regexp.MustCompile(`^(block_results|validators|consensus_params|GET /(block_results|validators|consensus_params)\?|eth_getBlockReceipts|eth_getLogs|` +
		`getBlocks? |eth_call data=0x67[0-9a-f]{130} |eth_getBalance account=(0x0000f90827|0x000f3df6d7|0x00000000219|0xca11bde059|0x0000000000|0x5ff137d4b0|0x4e59b44847|0x71562b7199))`)
}

// Of the questions that are compared, at least seven of ten need state or execution in every catalogue; the document has the
// shares as they are measured.
func TestMostQuestionsNeedState(t *testing.T) {
	const draws, least = 6000, 0.7
	document, err := os.ReadFile("../../docs/questions.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, catalogue := range map[string]question.Catalogue{
		"cometbft": question.CometBFT(), "cometbft-uri": question.CometBFTURI(),
		"evm": question.EVM(question.EVMFinality), "evm-values": question.EVMValues(question.EVMFinality), "solana": question.Solana(),
	} {
		count := 0
		for n := range uint64(draws) {
			asked, err := draw(catalogue, n, 1_000_000, nil)
			if err != nil {
				t.Fatal(err)
			}
			if needsState().MatchString(asked.Label) {
				count++
			}
		}
		share := float64(count) / draws
		if share < least {
			t.Errorf("%s: %.3f need state or execution", name, share)
		}
		if row := fmt.Sprintf("| `%s` | %.0f %% |", name, math.Round(100*share)); !strings.Contains(string(document), row) {
			t.Errorf("docs/questions.md has no row %s", row)
		}
	}
}

// The program of a question is another one each time, reads a known account, and does not begin its answer with 0xef.
func TestPrograms(t *testing.T) {
	seen := make(map[string]bool)
	program := regexp.MustCompile(`^eth_call data=0x67([0-9a-f]{16})60005273([0-9a-f]{40})3160205267[0-9a-f]{16}40604052606060002060081c60005260206000f3 block=0x[0-9a-f]+$`)
	accounts := make(map[string]bool)
	for n := range uint64(1000) {
		asked, err := draw(question.EVMValues(2), n, 1_000_000, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(asked.Label, "eth_call data=0x67") {
			continue
		}
		parts := program.FindStringSubmatch(asked.Label)
		if parts == nil || seen[parts[1]] {
			t.Fatalf("%s", asked.Label)
		}
		seen[parts[1]], accounts[parts[2]] = true, true
	}
	if len(seen) < 500 || len(accounts) != 10 {
		t.Errorf("%d programs, %d accounts", len(seen), len(accounts))
	}
}
