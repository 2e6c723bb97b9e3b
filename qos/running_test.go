package qos

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// digestText is all of a digest that a reader can see: the report, and a window of it alone.
func digestText(t *rapid.T, session *types.QoSSession, digest SessionDigest) []byte {
	window := &Window{members: make(map[string]*windowMember), applications: make(map[string]bool)}
	window.Add(digest)
	text, err := json.Marshal([]any{digest.Report, window.Report()})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A session that is summed up round by round is after each round what Summarize makes of the rounds so far. Rounds that come
// out of order are refused, and digests that were made before stay as they are.
func TestRunningIsWhatSummarizeMakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		session, rounds := drawSession(t)
		rounds = rapid.Permutation(rounds).Draw(t, "arrivals")
		running, begun := NewRunning(session), 0
		var added []*types.QoSRound
		type made struct {
			digest SessionDigest
			text   []byte
		}
		var earlier []made
		for _, round := range rounds {
			added = append(added, round)
			if !running.Add(round) {
				begun++
				running = NewRunning(session)
				for _, each := range planned(session, added) {
					if !running.Add(each) {
						t.Fatalf("round %d in order is refused", each.GetIndex())
					}
				}
			}
			session.Closed = rapid.Bool().Draw(t, "closed")
			digest := running.Digest(session)
			want, _ := json.Marshal(Summarize(session, added))
			if got, _ := json.Marshal(digest.Report); !bytes.Equal(got, want) {
				t.Fatalf("after %d rounds\n%s\n%s", len(added), got, want)
			}
			text := digestText(t, session, digest)
			if whole := digestText(t, session, Digest(session, added)); !bytes.Equal(text, whole) {
				t.Fatalf("after %d rounds\n%s\n%s", len(added), text, whole)
			}
			earlier = append(earlier, made{digest, text})
		}
		for _, each := range earlier {
			if now := digestText(t, session, each.digest); !bytes.Equal(now, each.text) {
				t.Fatalf("a digest changed\n%s\n%s", each.text, now)
			}
		}
	})
}

// Packed times are counted as they were.
func TestPackedTimesAreThoseOfTheSketch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sum, want := NewSketch(), NewSketch()
		for range rapid.IntRange(0, 4).Draw(t, "sessions") {
			times := drawTimes("times").Draw(t, "times")
			packed := pack(times)
			sum.addPacked(&packed)
			want.Merge(sketchOf(times...))
		}
		got, _ := json.Marshal(sum.Quantiles())
		if whole, _ := json.Marshal(want.Quantiles()); !bytes.Equal(got, whole) || sum.Count() != want.Count() {
			t.Fatalf("%d times %s, want %d times %s", sum.Count(), got, want.Count(), whole)
		}
	})
}

// What a part takes of memory is said about as it is.
func TestBytesOfAPart(t *testing.T) {
	session := sampled(1, 24, 10, func(check int) (samples []*types.QoSSample) {
		for n := 1; n <= 24; n++ {
			samples = append(samples, warm(answer(n, time.Duration(n*check+1)*time.Millisecond, agree)))
		}
		return samples
	})
	if bytes := Digest(session.QoSSession, session.rounds).Part.Bytes(); bytes < 1536 || bytes > 3<<10 {
		t.Errorf("%d bytes", bytes)
	}
}
