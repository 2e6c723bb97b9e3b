package archtest

import (
	"slices"
	"strings"
)

// row is one line of the import table: what the packages in its folders may import of this module.
type row struct {
	folders []string
	// may names folders of lower rows, subfolders included. Folders of the row itself may always import each other.
	may []string
	// pure folders have no clock, I/O, goroutine, global mutable state or unseeded randomness.
	pure bool
	// stateMachine folders compute what every node must agree on: in addition they have no float, no order of a map, no
	// channel.
	stateMachine bool
	// tests reports whether the row applies to test files too.
	tests bool
}

// below, in may, stands for all folders of lower rows.
const below = "*"

// table is the import table. Imports run down it only. Folders that do not exist yet are listed in advance.
var table = []row{
	{folders: []string{"e2e", "build/localnet"}, may: []string{"app/client/clienttest", "e2e/pocketd", "localnet", "localnet/port", "rpc/api", "rpc/client"}, tests: true},
	{folders: []string{"e2e/vantage"}, may: []string{"localnet", "localnet/port", "persistence/local", "rpc/api", "rpc/client", "shared"}, tests: true},
	{folders: []string{"e2e/browser"}, may: []string{"app/client/clienttest", "internal/measured", "localnet", "persistence/local", "rpc/api", "rpc/client"}, tests: true},
	{folders: []string{"build/compare_demo"}, may: []string{"localnet/port"}},
	{folders: []string{"build/bench_report", "build/gateway_example"}},
	{folders: []string{"e2e/pocketd"}, may: []string{"localnet", "localnet/port"}},
	// On top, so that only test files, which the table does not cover, can import them.
	{folders: []string{"internal/fakes"}, may: []string{"relay", "shared"}},
	{folders: []string{"internal/measured"}, may: []string{"shared"}},
	{folders: []string{"network/shannon/chaintest"}, may: []string{"network/shannon/protocol"}},
	{folders: []string{"network/networktest", "network/networktest/memory"}, may: []string{"fisherman", "wire", "shared"}},
	{folders: []string{"app/client/cli/commandtest"}, may: []string{"app/client/cli/command", "keystore", "shared"}},
	{folders: []string{"app/client/clienttest"}, may: []string{"qos", "rpc/api", "rpc/client"}},
	{folders: []string{"app/pocket", "app/client/cli"}, may: []string{
		"app/client/cli/collector", "app/client/cli/compare", "app/client/cli/fisherman", "app/client/cli/genesis", "app/client/cli/keys", "app/client/cli/localnet", "app/client/cli/node",
		"app/client/cli/query", "app/client/cli/relay", "app/client/cli/servicer", "app/client/cli/shannon", "app/client/cli/tx", "app/client/cli/version",
		"app/client/cli/command", "keystore"}},
	// A row for each noun: none imports another.
	{folders: []string{"app/client/cli/collector"}, may: []string{"app/client/cli/command", "app/client/terminal", "node", "runtime/groups"}},
	{folders: []string{"app/client/cli/compare"}, may: []string{
		"app/client/cli/command", "app/client/terminal", "node", "rpc/api", "runtime/groups"}},
	{folders: []string{"app/client/cli/fisherman"}, may: []string{
		"app/client/cli/command", "app/client/cli/quote", "app/client/cli/request", "app/client/terminal", "app/client/observer", "node", "rpc/api", "rpc/client", "runtime/groups", "shared"}},
	{folders: []string{"app/client/cli/genesis"}, may: []string{"app/client/cli/command", "app/client/terminal", "runtime"}},
	{folders: []string{"app/client/cli/keys"}, may: []string{"app/client/cli/command", "app/client/terminal", "keystore", "shared"}},
	{folders: []string{"app/client/cli/localnet"}, may: []string{
		"app/client/cli/command", "app/client/terminal", "app/client/observer", "localnet", "rpc/api", "rpc/client", "runtime"}},
	{folders: []string{"app/client/cli/node"}, may: []string{"app/client/cli/command", "app/client/terminal", "node", "keystore", "runtime", "shared"}},
	{folders: []string{"app/client/cli/query"}, may: []string{"app/client/cli/command", "app/client/terminal", "rpc/api", "rpc/client", "shared"}},
	{folders: []string{"app/client/cli/relay"}, may: []string{
		"app/client/cli/command", "app/client/cli/request", "app/client/terminal", "localnet", "rpc/api", "rpc/client", "shared"}},
	{folders: []string{"app/client/cli/servicer"}, may: []string{"app/client/cli/command", "app/client/terminal", "rpc/api", "rpc/client", "shared"}},
	{folders: []string{"app/client/cli/shannon"}, may: []string{
		"app/client/cli/command", "app/client/cli/quote", "app/client/cli/request", "app/client/terminal", "keystore", "network/shannon/chain", "network/shannon/protocol", "runtime/groups", "shared"}},
	{folders: []string{"app/client/cli/tx"}, may: []string{"app/client/cli/command", "app/client/terminal", "rpc/api", "rpc/client", "runtime", "shared"}},
	{folders: []string{"app/client/cli/version"}, may: []string{"app/client/cli/command", "app/client/terminal", "node"}},
	{folders: []string{"app/client/cli/quote"}, may: []string{"app/client/cli/command", "network/shannon/chain", "network/shannon/protocol", "runtime/groups"}},
	{folders: []string{"app/client/cli/request"}, may: []string{"app/client/cli/command", "app/client/terminal", "rpc/api", "rpc/client", "shared"}},
	{folders: []string{"app/client/cli/command"}, may: []string{"app/client/terminal", "localnet", "rpc/api", "rpc/client", "keystore", "runtime", "shared"}},
	{folders: []string{"app/client/terminal"}, may: []string{"app/client/observer", "rpc/api", "rpc/client", "shared"}},
	{folders: []string{"app/client/observer"}, may: []string{"rpc/api", "rpc/client"}},
	{folders: []string{"localnet"}, may: []string{"localnet/port", "node", "rpc/api", "rpc/client", "keystore", "runtime", "shared"}},
	{folders: []string{"node"}, may: []string{below}},
	{folders: []string{"rpc", "rpc/client", "web", "telemetry"}, may: []string{"samples", "qos", "rollup", "rpc/api", "inbound", "shared"}},
	{folders: []string{"samples"}, may: []string{"qos", "rollup", "rpc/api", "shared"}},
	{folders: []string{"alerts"}, may: []string{"alerts/delivery", "alerts/machine", "runtime/groups", "rpc/api", "shared"}},
	{folders: []string{"network/endpoints"}, may: []string{"network/endpoints/evidence", "fisherman", "upstream", "wire", "shared", "runtime/groups", "runtime/configs"}},
	{folders: []string{"collector"}, may: []string{"collector/order", "feed/broker", "feed/protocol", "persistence/local", "rpc/api", "shared"}},
	{folders: []string{"collector/order"}, pure: true},
	{folders: []string{"feed"}, may: []string{"feed/broker", "feed/outbox", "feed/protocol", "shared"}},
	{folders: []string{"feed/broker"}, may: []string{"shared"}},
	{folders: []string{"feed/protocol"}, may: []string{"shared"}, pure: true},
	{folders: []string{"network/pocket/evidence"}, may: []string{"fisherman/verify", "relay", "rpc/api", "shared"}},
	{folders: []string{"network/endpoints/evidence"}, may: []string{"fisherman/verify", "rpc/api", "shared"}},
	{folders: []string{"network/pocket"}, may: []string{"fisherman", "upstream", "wire", "relay", "shared", "runtime/genesis"}},
	{folders: []string{"network/shannon"}, may: []string{"network/shannon/chain", "network/shannon/protocol", "fisherman", "wire", "shared"}},
	{folders: []string{"network/shannon/chain"}, may: []string{"network/shannon/protocol", "shared"}},
	{folders: []string{"network/shannon/evidence"}, may: []string{"network/shannon/protocol", "fisherman/verify", "rpc/api", "shared"}},
	{folders: []string{"network/shannon/protocol"}, may: []string{"wire", "shared"}},
	{folders: []string{"runtime/groups"}, may: []string{"alerts/delivery", "alerts/machine", "fisherman/question", "runtime/configs", "rollup", "rpc/api", "shared"}},
	{folders: []string{"alerts/delivery"}, may: []string{"alerts/machine"}},
	{folders: []string{"alerts/machine"}, may: []string{"rpc/api", "shared"}, pure: true},
	// The heart knows no network (docs/adr/0044): heart_test.go keeps its rows from being widened by mistake.
	{folders: []string{"fisherman"}, may: []string{
		"fisherman/round", "fisherman/judge", "fisherman/schedule", "fisherman/verify", "fisherman/question", "wire", "shared"}},
	{folders: []string{"fisherman/round"}, may: []string{"fisherman/judge", "fisherman/question", "wire", "shared"}},
	{folders: []string{"fisherman/judge"}, may: []string{"fisherman/verify", "fisherman/question", "shared"}, pure: true},
	{folders: []string{"fisherman/schedule", "fisherman/verify", "fisherman/question"}, may: []string{"shared"}, pure: true},
	{folders: []string{"servicer"}, may: []string{"upstream", "inbound", "relay", "shared"}},
	{folders: []string{"upstream"}, may: []string{"relay", "shared"}},
	{folders: []string{"wire"}, may: []string{"shared"}},
	{folders: []string{"relay"}, may: []string{"shared"}},
	{folders: []string{"consensus"}, may: []string{"consensus/entrance", "persistence/snapshot", "utility", "shared"}},
	{folders: []string{"consensus/entrance"}, may: []string{"inbound"}},
	{folders: []string{"inbound"}},
	{folders: []string{"persistence", "persistence/local"}, may: []string{"persistence/snapshot", "feed/outbox", "rollup", "shared"}},
	{folders: []string{"feed/outbox"}, pure: true},
	{folders: []string{"persistence/snapshot"}},
	{folders: []string{"keystore"}, may: []string{"shared"}},
	{folders: []string{"utility", "utility/session"}, may: []string{"shared", "runtime/genesis"}, pure: true, stateMachine: true},
	{folders: []string{"qos"}, may: []string{"rpc/api", "shared"}, pure: true},
	{folders: []string{"runtime/configs"}, may: []string{"rollup", "shared"}},
	{folders: []string{"runtime/genesis"}, may: []string{"shared"}, pure: true, stateMachine: true},
	{folders: []string{"rollup"}, may: []string{"shared"}, pure: true},
	// At the bottom, although DESIGN has it beside rpc: all of the above share its types (docs/adr/0043).
	{folders: []string{"rpc/api"}, pure: true},
	{folders: []string{"shared/heads"}, may: []string{"shared/core/types"}},
	{folders: []string{"shared/modules"}, may: []string{"shared/core/types"}},
	{folders: []string{"shared/secret"}, may: []string{"shared/core/types"}},
	{folders: []string{"shared/transaction"}, may: []string{"shared/core/types", "shared/crypto"}, pure: true, stateMachine: true},
	{folders: []string{"shared/account", "shared/core/types", "shared/crypto", "shared/disk", "shared/logs", "shared/packed", "shared/pause", "shared/text"}},
	{folders: []string{"internal/archtest", "internal/costs", "localnet/port"}},
}

// departure is an import that the table forbids and a decision record allows.
type departure struct {
	from, to string
	because  string
}

// departures are few on purpose. One that is no longer needed fails the test.
var departures = []departure{
	{"app/client/cli/compare", "wire", "addresses of the public internet: others are refused before anybody is asked (docs/adr/0010)"},
	{"app/client/cli/request", "relay", "the command line seals its requests itself: nobody else is to be trusted with that (docs/adr/0010)"},
	{"app/client/cli/relay", "relay", "'pocket relay' opens the answer itself (docs/adr/0010)"},
	{"app/client/cli/relay", "wire", "'pocket relay' connects itself, and says how long each phase took (docs/adr/0010)"},
	{"app/client/cli/request", "wire", "the phases that it shows (docs/adr/0010)"},
	{"app/client/cli/request", "network/pocket", "requests are addressed as a fisherman addresses them (docs/adr/0010)"},
	{"app/client/cli/shannon", "network/shannon", "'pocket shannon' reads sessions and their price as a fisherman does, without a node of ours (docs/adr/0010)"},
	{"app/client/cli/fisherman", "network/shannon", "'pocket fisherman start --dry-run' says what a day costs, without a node of ours (docs/adr/0010)"},
	{"app/client/cli/quote", "network/shannon", "the same, and 'pocket fisherman start --dry-run' (docs/adr/0010)"},
	{"app/client/cli/shannon", "wire", "'pocket shannon' connects to suppliers itself, and says how long each phase took (docs/adr/0010)"},
	{"app/client/cli/fisherman", "wire", "'pocket fisherman check --url' connects itself (docs/adr/0010)"},
	{"app/client/cli/servicer", "relay", "'pocket servicer relays' verifies the envelopes that a node shows (docs/adr/0034)"},
	{"app/client/cli/fisherman", "relay", "'pocket fisherman check --url' asks a servicer itself (docs/adr/0010)"},
	{"app/client/cli/fisherman", "network/pocket/evidence", "'pocket fisherman verify' checks evidence without a node (docs/adr/0029)"},
	{"app/client/cli/fisherman", "network/shannon/evidence", "the same, of suppliers of the live Pocket network (docs/adr/0057)"},
	{"app/client/cli/fisherman", "network/endpoints/evidence", "the same, of a fisherman that samples a list of endpoints (docs/adr/0029)"},
	{"consensus", "runtime/genesis", "the first state comes in as a genesis and is handed to the state machine, which is made of it (docs/adr/0010)"},
	{"e2e", "relay", "a story sends relays that no honest program would seal, and opens the signed refusals (docs/adr/0010)"},
	{"e2e", "shared/core/types", "what those relays are made of (docs/adr/0010)"},
	{"e2e", "shared/crypto", "whom those relays are signed by (docs/adr/0010)"},
}

// find returns the index of the row that contains a folder, or -1.
func find(rows []row, folder string) int {
	return slices.IndexFunc(rows, func(r row) bool { return slices.Contains(r.folders, folder) })
}

// allows reports whether the packages of the row at an index may import a folder of this module.
func allows(rows []row, index int, folder string) bool {
	if slices.Contains(rows[index].folders, folder) {
		return true
	}
	for _, allowed := range rows[index].may {
		if allowed == below && find(rows[index+1:], folder) >= 0 || isAtOrBelow(folder, allowed) {
			return true
		}
	}
	return false
}

// isAtOrBelow reports whether a folder is parent or below it.
func isAtOrBelow(folder, parent string) bool {
	return folder == parent || strings.HasPrefix(folder, parent+"/")
}

// foldersOf returns the folders of the wanted rows.
func foldersOf(rows []row, wanted func(row) bool) []string {
	var folders []string
	for _, r := range rows {
		if wanted(r) {
			folders = append(folders, r.folders...)
		}
	}
	return folders
}
