package collector

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/feed/protocol"
)

func TestWhatIsPublishedIsStored(t *testing.T) {
	one, two := newSpeaker(1), newSpeaker(2)
	h := newHome(t, one.fisherman("frankfurt"), two.fisherman("tokyo"))
	again := h.take(one.session("s", false), two.session("s", false), one.round("s", 0), two.round("s", 0), two.round("s", 1), one.round("s", 1), one.session("s", true))
	if again != 0 || !slices.Equal(h.rounds(0, "s"), []uint32{0, 1}) || !slices.Equal(h.rounds(1, "s"), []uint32{0, 1}) {
		t.Errorf("%d again, %v and %v", again, h.rounds(0, "s"), h.rounds(1, "s"))
	}
	if want := []string{"frankfurt s", "frankfurt s", "frankfurt s/0", "frankfurt s/1", "tokyo s", "tokyo s/0", "tokyo s/1"}; !slices.Equal(h.told, want) {
		t.Errorf("told %q", h.told)
	}
	state := h.vantages[0].State()
	if state.Taken != 4 || state.Place != "place-1" || !state.Heard.Equal(begun.Add(3*time.Second+5*time.Millisecond)) || *state.Skew != 5*time.Millisecond || state.Skewed() {
		t.Errorf("%+v", state)
	}
	if session, err := h.stores[0].Session(t.Context(), "s"); err != nil || !session.GetClosed() {
		t.Errorf("%v, %v", session, err)
	}
}

// Each message is refused for its reason, is acknowledged, and changes nothing that is stored.
func TestWhatIsRefused(t *testing.T) {
	one, stranger := newSpeaker(1), newSpeaker(9)
	h := newHome(t, one.fisherman("frankfurt"))
	h.take(one.session("s", false), one.round("s", 0), one.round("s", 1))
	fork := *one
	next := one.round("s", 2)
	flipped := func(at int) Message {
		altered := next
		altered.Data = slices.Clone(next.Data)
		altered.Data[at] ^= 1
		return altered
	}
	other := fork
	other.place.Instance[15] = 7
	conflict := resealed(one.key, Message{Subject: one.sealed[1].Subject, Data: one.sealed[1].Delivery, Stored: one.at, Delivered: 1}, func(s *protocol.Statement) {
		s.GetRound().Reason = "something else"
	})
	early := fork
	early.place.Sequence--
	for name, test := range map[string]struct {
		message Message
		want    Rejection
	}{
		"no protobuf":                   {Message{Subject: next.Subject, Data: []byte("nonsense"), Stored: one.at, Delivered: 1}, Malformed},
		"empty":                         {Message{Subject: next.Subject, Stored: one.at, Delivered: 1}, Foreign},
		"too long":                      {Message{Subject: next.Subject, Data: make([]byte, protocol.MaxDelivery+1), Stored: one.at, Delivered: 1}, Malformed},
		"of a stranger":                 {stranger.session("s", false), Foreign},
		"the stranger's name is ours":   {resealed(stranger.key, next, func(*protocol.Statement) {}), Foreign},
		"a byte of the statement":       {flipped(40), Signature},
		"a byte of the signature":       {flipped(len(next.Data) - 1), Signature},
		"under another subject":         {Message{Subject: next.Subject[:len(next.Subject)-1] + "0", Data: next.Data, Stored: one.at, Delivered: 1}, Subject},
		"another version":               {resealed(one.key, next, func(s *protocol.Statement) { s.Version = 2 }), Version},
		"a huge sequence":               {resealed(one.key, next, func(s *protocol.Statement) { s.Sequence = 1 << 63 }), Malformed},
		"does not follow":               {resealed(one.key, next, func(s *protocol.Statement) { s.Previous[0] ^= 1 }), Altered},
		"a round that was another one":  {conflict, Altered},
		"a sequence that was taken":     {early.round("s", 9), Reordered},
		"the same key in another place": {other.round("s", 2), Elsewhere},
	} {
		before := h.vantages[0].State()
		unattributed := h.intake.Unattributed()
		if again := h.take(test.message); again != 0 {
			t.Errorf("%s: is delivered again", name)
		}
		after, now := h.vantages[0].State(), h.intake.Unattributed()
		if got := after.Rejected[test.want] - before.Rejected[test.want] + now[test.want] - unattributed[test.want]; got != 1 || after.Taken != before.Taken || after.Duplicates != before.Duplicates {
			t.Errorf("%s: %+v, %v", name, after, now)
		}
		if rounds := h.rounds(0, "s"); !slices.Equal(rounds, []uint32{0, 1}) {
			t.Errorf("%s: rounds %v", name, rounds)
		}
	}
	if double := h.vantages[0].State().Double; double == nil || double.Heard != "place-1" || double.Refused != "place-1" {
		t.Errorf("%+v", double)
	}
	if h.take(next); !slices.Equal(h.rounds(0, "s"), []uint32{0, 1, 2}) {
		t.Error("the true one is not taken after all of that")
	}
}

// What is signed and contradicts itself has no effect, and what follows is taken.
func TestContradictions(t *testing.T) {
	one := newSpeaker(1)
	h := newHome(t, one.fisherman("frankfurt"))
	h.take(one.session("s", false))
	h.take(one.say(contentOf(sessionOf("t", "another chain", false))))
	one.place.RelayChain, one.place.Sequence = "sol", 0
	h.take(one.say(contentOf(sessionOf("s", "sol", true))), one.round("s", 0), one.session("u", false), one.round("u", 0))
	state := h.vantages[0].State()
	if state.Rejected[Malformed] != 3 || state.Taken != 3 || !slices.Equal(h.rounds(0, "u"), []uint32{0}) || len(h.rounds(0, "s")) != 0 {
		t.Errorf("%+v", state)
	}
}

func TestRepetitionsHaveNoEffect(t *testing.T) {
	one := newSpeaker(1)
	h := newHome(t, one.fisherman("frankfurt"))
	all := []Message{one.session("s", false), one.round("s", 0), one.round("s", 1), one.session("s", true)}
	for range 2 {
		h.take(append(slices.Clone(all), all...)...)
		h.take(all[1], all[3])
		h.restart()
	}
	if rounds := h.rounds(0, "s"); !slices.Equal(rounds, []uint32{0, 1}) || h.vantages[0].State().Missing != 0 {
		t.Errorf("%v, %+v", rounds, h.vantages[0].State())
	}
	if want := []string{"frankfurt s", "frankfurt s", "frankfurt s/0", "frankfurt s/1"}; !slices.Equal(h.told, want) {
		t.Errorf("told %q", h.told)
	}
}

// A session that arrives late: its rounds wait for it, and are orphans when it never comes.
func TestRoundsWaitForTheirSession(t *testing.T) {
	one := newSpeaker(1)
	h := newHome(t, one.fisherman("frankfurt"))
	first, session, round, closed := one.session("s", false), one.session("t", false), one.round("t", 0), one.session("t", true)
	if again := h.take(first, round); again != 1 {
		t.Fatalf("%d again", again)
	}
	h.take(closed)
	if again := h.take(session, round); again != 0 || !slices.Equal(h.rounds(0, "t"), []uint32{0}) {
		t.Errorf("%d again, %v", again, h.rounds(0, "t"))
	}
	if stored, err := h.stores[0].Session(t.Context(), "t"); err != nil || !stored.GetClosed() {
		t.Errorf("what is older has replaced what is newer: %v, %v", stored, err)
	}
	one.place.Sequence++ // a statement that nobody hears
	orphan := one.round("never", 0)
	for orphan.Delivered < mostDeliveries {
		if again := h.take(orphan); again != 1 {
			t.Fatal("an orphan does not wait")
		}
		orphan.Delivered++
	}
	if again := h.take(orphan); again != 0 || h.vantages[0].State().Rejected[Orphan] != 1 || h.vantages[0].State().Missing != 1 {
		t.Errorf("%d again, %+v", again, h.vantages[0].State())
	}
}

// Nothing is acknowledged that is not durable; afterwards it comes again, once.
func TestADiskThatFails(t *testing.T) {
	one, two := newSpeaker(1), newSpeaker(2)
	h := newHome(t, one.fisherman("frankfurt"), two.fisherman("tokyo"))
	batch := []Message{one.session("s", false), two.session("s", false), one.round("s", 0), two.round("s", 0)}
	h.stores[1].broken = errors.New("no space left")
	if outcomes, err := h.intake.Take(t.Context(), batch); err == nil || outcomes != nil {
		t.Errorf("%v, %v", outcomes, err)
	}
	if state := h.vantages[1].State(); state.Taken != 0 || !state.Heard.IsZero() {
		t.Errorf("%+v", state)
	}
	h.stores[1].broken = nil
	h.take(batch...)
	if !slices.Equal(h.rounds(0, "s"), []uint32{0}) || !slices.Equal(h.rounds(1, "s"), []uint32{0}) {
		t.Errorf("%v, %v", h.rounds(0, "s"), h.rounds(1, "s"))
	}
	if told := fmt.Sprint(h.told); told != "[frankfurt s frankfurt s/0 frankfurt s tokyo s tokyo s/0]" {
		t.Errorf("told %s", told)
	}
}

// Whatever step the process ends after: what comes again is stored once, told once, and nothing is missing.
func TestACrashAtEveryStep(t *testing.T) {
	crash := errors.New("crash")
	for at := range steps {
		one, two := newSpeaker(1), newSpeaker(2)
		h := newHome(t, one.fisherman("frankfurt"), two.fisherman("tokyo"))
		h.take(one.session("s", false), two.session("s", false))
		for index := range uint32(5) {
			batch := []Message{one.round("s", index), two.round("s", index), one.session("s", index == 4)}
			h.intake.step = func(done step) error {
				if done == at {
					return crash
				}
				return nil
			}
			if _, err := h.intake.Take(t.Context(), batch); !errors.Is(err, crash) {
				t.Fatal(err)
			}
			h.restart()
			for i := range batch {
				batch[i].Delivered++
			}
			h.take(batch...)
		}
		for i, v := range h.vantages {
			if state := v.State(); !slices.Equal(h.rounds(i, "s"), []uint32{0, 1, 2, 3, 4}) || state.Missing+state.Gaps != 0 || state.Rejected != [rejections]uint64{} {
				t.Errorf("after step %d: %v, %+v", at, h.rounds(i, "s"), state)
			}
		}
		told := make(map[string]int)
		for _, each := range h.told {
			told[each]++
		}
		for index := range 5 {
			for _, name := range []string{"frankfurt", "tokyo"} {
				if n := told[fmt.Sprintf("%s s/%d", name, index)]; n != 1 {
					t.Errorf("after step %d: round %d of %s was told %d times", at, index, name, n)
				}
			}
		}
	}
}

// Two places with one key: the second one is refused whatever its relay chain, until the first was silent for long enough.
func TestOneKeyInTwoPlaces(t *testing.T) {
	one := newSpeaker(1)
	twin := newSpeaker(1)
	twin.place.Instance, twin.place.Name, twin.place.RelayChain = [16]byte{99}, "basement", "sol"
	h := newHome(t, one.fisherman("frankfurt"))
	h.take(one.session("s", false), twin.session("t", false))
	if state := h.vantages[0].State(); state.Rejected[Elsewhere] != 1 || *state.Double != (Double{"place-1", "basement", begun.Add(5 * time.Millisecond)}) {
		t.Errorf("%+v", state)
	}
	h.restart()
	twin.at = begun.Add(10*time.Minute - time.Second)
	h.take(twin.session("t", false))
	if state := h.vantages[0].State(); state.Rejected[Elsewhere] != 1 || state.Place != "place-1" {
		t.Errorf("after a restart: %+v", state)
	}
	twin.at = begun.Add(10 * time.Minute)
	h.take(twin.session("t", false), twin.round("t", 3))
	if state := h.vantages[0].State(); state.Taken != 2 || state.Place != "basement" || !slices.Equal(h.rounds(0, "t"), []uint32{3}) {
		t.Errorf("%+v", state)
	}
	one.at = twin.at
	h.take(one.round("s", 0))
	if state := h.vantages[0].State(); state.Rejected[Elsewhere] != 2 || state.Double.Refused != "place-1" {
		t.Errorf("%+v", state)
	}
}

func TestGapsOfTheFisherman(t *testing.T) {
	one := newSpeaker(1)
	h := newHome(t, one.fisherman("frankfurt"))
	gap := one.say(protocol.GapContent(&protocol.Gap{SessionId: "s", FromIndex: 4, Rounds: 12}, 1))
	h.take(gap, gap)
	h.restart()
	h.take(gap, one.say(protocol.GapContent(&protocol.Gap{Rounds: 3}, 2)))
	if state := h.vantages[0].State(); state.Lost != 15 || state.Duplicates != 1 {
		t.Errorf("%+v", state)
	}
}

func TestClocksThatAreWrong(t *testing.T) {
	for _, off := range []time.Duration{-time.Hour, -3 * time.Second, 3 * time.Second} {
		one := newSpeaker(1)
		h := newHome(t, one.fisherman("frankfurt"))
		for index := range uint32(3) {
			message := one.round("s", index)
			message.Stored = message.Stored.Add(off)
			h.take(message)
		}
		if state := h.vantages[0].State(); !state.Skewed() || *state.Skew != off+5*time.Millisecond {
			t.Errorf("%v: %+v", off, state)
		}
	}
	// One statement that was late says nothing of the clock.
	one := newSpeaker(1)
	h := newHome(t, one.fisherman("frankfurt"))
	late := one.session("s", false)
	late.Stored = late.Stored.Add(time.Hour)
	h.take(late, one.round("s", 0))
	if state := h.vantages[0].State(); state.Skewed() {
		t.Errorf("%+v", *state.Skew)
	}
}

func TestRelayChainsAreBounded(t *testing.T) {
	one := newSpeaker(1)
	h := newHome(t, one.fisherman("frankfurt"))
	for i := range mostChains + 3 {
		one.place.RelayChain, one.place.Sequence = fmt.Sprintf("chain-%d", i), 0
		h.take(one.say(protocol.GapContent(&protocol.Gap{Rounds: 1}, 1)))
	}
	if state := h.vantages[0].State(); state.Rejected[Chains] != 3 || state.Taken != mostChains {
		t.Errorf("%+v", state)
	}
}

func TestSessionsThatTheStoreRemoved(t *testing.T) {
	one := newSpeaker(1)
	h := newHome(t, one.fisherman("frankfurt"))
	h.close()
	h.options.MaxSessions = 1
	h.open()
	first, second := one.session("s", false), one.round("s", 0)
	h.take(first, second)
	h.take(one.session("t", false))
	h.take(second, one.round("s", 1))
	if state := h.vantages[0].State(); state.Duplicates != 1 || state.Rejected[Orphan] != 1 {
		t.Errorf("%+v", state)
	}
}
