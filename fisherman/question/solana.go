package question

import "math/rand/v2"

const (
	// solanaMaxLag is a minute of slots of 0.4 s.
	solanaMaxLag = 150
	// solanaDepth is more than a node may be behind: of a range of slots, a node lists those that it knows, and does not say
	// that it does not know the others yet.
	solanaDepth = 200
	// recentSlots is how many settled slots are asked about, the blocks of nearly an hour. Nodes without long-term storage
	// keep some epochs of 432 000 slots as a rule; a test validator keeps 10 000 shreds.
	recentSlots = 8000
	// leastSlots and mostSlots bound a range of slots. Some are skipped in every such range of a public chain, so that a
	// list of all slots is hardly ever right. The longest list has 6 KB.
	leastSlots, mostSlots = 400, 499

	// Errors of Agave (rpc-client-types, custom_error.rs). The first two are of a slot without a block: as the node's own
	// ledger has it, and its long-term storage. With the others a node says that it does not have the block yet.
	slotSkipped, longTermSlotSkipped     = -32007, -32009
	blockNotAvailable, statusNotYetThere = -32004, -32014
)

// Solana is the catalogue for chains served by Solana's JSON-RPC (https://solana.com/docs/rpc). Heights are slots, and all
// that is asked for is final (commitment "finalized"). What is asked are lists of slots, heads of blocks, and their times:
// values that have one form in all versions of Agave, and small ones. Transactions and rewards are left out, because a whole
// block has megabytes, and because versions add members to them; so is the state, which nodes have of the newest slot only.
//
// A slot can be skipped. A list of slots leaves it out; about its block, nodes answer that there is none, which is an
// answer if most of them say so.
func Solana() Catalogue {
	return Catalogue{
		Name:   NameSolana,
		Depth:  solanaDepth,
		Styles: solanaStyles(),
		Head:   &Head{Call: solanaSlot(), Read: readSlot},
		MaxLag: solanaMaxLag,
		// A block that is cleaned up (-32001) is read as absent everywhere.
		Denials: []int64{blockNotAvailable, statusNotYetThere},
		Kinds: []Kind{
			{Call: solanaBlock, Recent: recentSlots, Weight: 6, AtHead: true, Tip: true, Unique: true, Errors: skipped()},
			{Call: solanaSlots, Recent: recentSlots, Weight: 3, Variants: mostSlots - leastSlots + 1},
			{Call: solanaTime, Recent: recentSlots, Errors: skipped()},
		},
	}
}

func skipped() []int64 { return []int64{slotSkipped, longTermSlotSkipped} }

// solanaBlock asks for a block without its transactions: its hash, its parent, its time and its height.
func solanaBlock(_ *rand.Rand, slot, _ int64) (Call, bool) {
	return Positional("getBlock", Param{"slot", slot}, Param{"config", []Param{
		{"commitment", "finalized"}, {"encoding", "json"}, {"transactionDetails", "none"}, {"rewards", false},
		{"maxSupportedTransactionVersion", int64(0)},
	}}), true
}

// solanaSlots asks which slots of a range have a block. It ends at the slot, so that it is settled as a whole.
func solanaSlots(_ *rand.Rand, slot, variant int64) (Call, bool) {
	from := slot - leastSlots - variant + 1
	if from < 1 {
		return Call{}, false
	}
	return Positional("getBlocks", Param{"from", from}, Param{"to", slot}, finalized()), true
}

// solanaTime asks when a block was made, by the votes of its validators.
func solanaTime(_ *rand.Rand, slot, _ int64) (Call, bool) {
	return Positional("getBlockTime", Param{"slot", slot}), true
}

// solanaSlot asks for the newest slot that is final.
func solanaSlot() Call { return Positional("getSlot", finalized()) }

func readSlot(answer []byte) (int64, error) { return heightAt(answer, "/result") }

func finalized() Param { return Param{"config", []Param{{"commitment", "finalized"}}} }
