package archtest

import (
	"slices"
	"testing"
)

// strangers are what the heart, fisherman/ and its children, may come to know in no way: any network, and what one is
// made of. Test files are exempt, as everywhere: a test of the heart may play the far side of a network.
var strangers = []string{"relay", "network", "utility", "servicer", "consensus", "runtime/genesis"}

func TestTheHeartKnowsNoNetwork(t *testing.T) {
	fail(t, checkHeart(table, departures))
}

func TestHeartRulesFail(t *testing.T) {
	rows := []row{
		{folders: []string{"fisherman"}, may: []string{"fisherman/judge", "wire"}},
		{folders: []string{"fisherman/judge"}, may: []string{"network/pocket"}},
		{folders: []string{"network/pocket"}},
		{folders: []string{"wire"}, may: []string{"shared"}},
		{folders: []string{"relay", "shared", "servicer"}},
	}
	wantTexts(t, checkHeart(rows, []departure{{from: "fisherman", to: "servicer"}}),
		"fisherman: may come to import network/pocket",
		"fisherman: may come to import relay",
		"fisherman: may come to import servicer",
		"fisherman/judge: may come to import network/pocket",
	)
}

// checkHeart finds what the table and its departures let the heart import, directly or through others, and should not.
func checkHeart(rows []row, granted []departure) []finding {
	var found []finding
	all := foldersOf(rows, func(row) bool { return true })
	for _, folder := range all {
		if !isAtOrBelow(folder, "fisherman") {
			continue
		}
		reached := []string{folder}
		for i := 0; i < len(reached); i++ {
			for _, to := range all {
				allowed := allows(rows, find(rows, reached[i]), to) ||
					slices.ContainsFunc(granted, func(d departure) bool { return d.from == reached[i] && d.to == to })
				if allowed && !slices.Contains(reached, to) {
					reached = append(reached, to)
				}
			}
		}
		slices.Sort(reached)
		for _, to := range reached {
			if slices.ContainsFunc(strangers, func(stranger string) bool { return isAtOrBelow(to, stranger) }) {
				found = append(found, finding{file: folder, text: "may come to import " + to})
			}
		}
	}
	return found
}
