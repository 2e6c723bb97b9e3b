package fisherman

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/fisherman/question"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// fewQuestions are as many as there are letters, whatever the height.
func fewQuestions(letters string) question.Catalogue {
	return question.Catalogue{Kinds: []question.Kind{{Timeless: true, Variants: int64(len(letters)),
		Call: func(_ *rand.Rand, _, variant int64) (question.Call, bool) {
			return question.Named("few", question.Param{Name: "n", Value: letters[variant : variant+1]}), true
		}}}}
}

// A session that has no question left drops its checks and says why; the next session asks again.
func TestChecksWithoutAQuestionLeftAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.catalogues[chain] = fewQuestions("abcd")
		n.while(t, func() { n.blocks(10, 31, time.Second) })
		for _, start := range []int64{10, 20} {
			_, rounds := n.record(t, start)
			asked := make(map[string]bool)
			for i, round := range rounds {
				switch {
				case i < 4 && (round.GetStatus() != types.RoundStatus_ROUND_STATUS_DONE || asked[round.GetQuestion()]):
					t.Errorf("check %d of %q is %v", i, round.GetQuestion(), round.GetStatus())
				case i >= 4 && (round.GetStatus() != types.RoundStatus_ROUND_STATUS_DROPPED ||
					!strings.Contains(round.GetReason(), "every question of the catalogue was asked in this session")):
					t.Errorf("check %d is %v: %s", i, round.GetStatus(), round.GetReason())
				}
				asked[round.GetQuestion()] = true
			}
		}
	})
}

// The first session of the network's own chain asks something else in each check, also when there is hardly a block. That
// for the newest height is the same each time.
func TestYoungChainIsAskedEveryCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.policy.Checks = 40
		n.while(t, func() { n.blocks(1, 11, time.Second) })
		_, rounds := n.record(t, 0)
		asked := make(map[string]bool)
		for _, round := range rounds {
			if round.GetKind() == types.RoundKind_ROUND_KIND_HEAD {
				continue
			}
			if round.GetStatus() == types.RoundStatus_ROUND_STATUS_DONE && asked[round.GetQuestion()] {
				t.Errorf("%s again", round.GetQuestion())
			}
			if strings.Contains(round.GetReason(), "asked") {
				t.Errorf("check %d: %s", round.GetIndex(), round.GetReason())
			}
			asked[round.GetQuestion()] = true
		}
		if len(asked) < 28 { // a quarter of 40 ask for the newest height
			t.Errorf("%d questions", len(asked))
		}
	})
}

// A check out of turn asks nothing that the session was asked already.
func TestExecuteCheckDoesNotRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n.catalogues[chain] = fewQuestions("abcdefghijk")
		n.while(t, func() { n.blocks(10, 21, time.Second) })
		_, rounds := n.record(t, 10)
		var record *types.QoSRound
		var err error
		n.while(t, func() {
			record, err = n.running.ExecuteCheck(t.Context(), sessionOf(10, sessionBlocks, 19, actor("a")), 3)
		})
		if err != nil || len(rounds) != 10 {
			t.Fatalf("%d rounds, %v", len(rounds), err)
		}
		for _, round := range rounds {
			if round.GetQuestion() == record.GetQuestion() {
				t.Errorf("check %d asked %s too", round.GetIndex(), record.GetQuestion())
			}
		}
	})
}
