package node

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/pocket-fisherman/fisherman/network/shannon"
)

// What is not limited, or not known yet, is null; amounts are whole however large they are.
func TestBudgetOfAGroup(t *testing.T) {
	left := uint64(math.MaxUint64 - 7)
	for name, test := range map[string]struct {
		state shannon.State
		want  string
	}{
		"no session yet": {shannon.State{}, `{"max_upokt_per_session":null,"max_upokt_per_day":null,"spent_session_upokt":"0","spent_day_upokt":"0",` +
			`"left_session_upokt":null,"left_day_upokt":null,"cost_per_check_upokt":null}`},
		"both limits": {shannon.State{Session: "s", Estimate: shannon.Estimate{Check: 1100},
			Spent: shannon.Spent{Limits: shannon.Limits{PerSession: math.MaxUint64, PerDay: math.MaxUint64}, Session: 7, Day: 7, SessionLeft: &left, DayLeft: &left}},
			`{"max_upokt_per_session":"18446744073709551615","max_upokt_per_day":"18446744073709551615","spent_session_upokt":"7","spent_day_upokt":"7",` +
				`"left_session_upokt":"18446744073709551608","left_day_upokt":"18446744073709551608","cost_per_check_upokt":"1100"}`},
	} {
		if got, err := json.Marshal(budgetOf(test.state)); err != nil || string(got) != test.want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}
