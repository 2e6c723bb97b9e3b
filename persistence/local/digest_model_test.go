package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/types/known/durationpb"
	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/qos"
	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/samples"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// drawnRound is a round of the nth session with three servicers of which anything may be true.
func drawnRound(r *rapid.T, n int, index uint32) *types.QoSRound {
	round := roundOf(n, index, 20)
	round.Status = rapid.SampledFrom([]types.RoundStatus{types.RoundStatus_ROUND_STATUS_DONE, types.RoundStatus_ROUND_STATUS_DONE,
		types.RoundStatus_ROUND_STATUS_VOID, types.RoundStatus_ROUND_STATUS_DROPPED}).Draw(r, "status")
	round.Reason = fmt.Sprint("because of ", index)
	round.PlannedUnixNano = int64(index) * int64(time.Second)
	round.ReleasedUnixNano = round.PlannedUnixNano + rapid.Int64Range(0, 1_000_000).Draw(r, "late")
	envelope := round.Samples[0].ResponseEnvelope
	round.Samples = nil
	for servicer := range 3 {
		round.Samples = append(round.Samples, &types.QoSSample{
			Servicer: fmt.Sprintf("%040x", servicer), ServiceUrl: fmt.Sprintf("http://at-%d.test", index), ResponseEnvelope: envelope,
			Outcome: rapid.SampledFrom([]types.Outcome{types.Outcome_OUTCOME_OK, types.Outcome_OUTCOME_OK, types.Outcome_OUTCOME_TIMEOUT,
				types.Outcome_OUTCOME_VOID, types.Outcome_OUTCOME_THROTTLED}).Draw(r, "outcome"),
			Consistency: rapid.SampledFrom([]types.Consistency{types.Consistency_CONSISTENCY_AGREE, types.Consistency_CONSISTENCY_AGREE,
				types.Consistency_CONSISTENCY_DISAGREE, types.Consistency_CONSISTENCY_UNDECIDABLE}).Draw(r, "consistency"),
			RoundTripTime: durationpb.New(time.Duration(rapid.Int64Range(0, 1_000_000_000).Draw(r, "time"))), ReusedConnection: rapid.Bool().Draw(r, "warm"),
			Detail: fmt.Sprint("detail ", index),
		})
	}
	return round
}

// drawnSession is the nth session, with some of the servicers as members.
func drawnSession(r *rapid.T, n int) *types.QoSSession {
	session := sessionOf(n)
	session.ChecksPlanned, session.SamplesRequired, session.NullSamplesAllowed = 8, 2, 1
	session.StartUnixNano = rapid.Int64Range(0, 1).Draw(r, "of time") * 1000
	for servicer := range rapid.IntRange(0, 4).Draw(r, "members") {
		session.Servicers = append(session.Servicers, &types.QoSServicer{Address: fmt.Sprintf("%040x", servicer), ServiceUrl: "http://member.test"})
	}
	session.Closed = rapid.Bool().Draw(r, "closed")
	return session
}

// Whatever is stored, in any order, through evictions, restarts, failures of the disk and what is held in memory meanwhile: what a
// reader shows, keeping what it can, is byte for byte what qos.Summarize makes of the stored rounds, as soon as they are stored.
func TestDigestsAgainstWhatIsStored(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		ctx, f := context.Background(), &flaky{disk: vfs.NewCrashableMem()}
		f.start(t)
		defer func() { _ = f.Close() }() // the disk may be broken
		reader := samples.NewReader(f.Samples, samples.NewRolling(), samples.Prover{})
		session, index := rapid.IntRange(0, 3), rapid.Uint32Range(0, 9)
		check := func(r *rapid.T) { wantDigests(r, f.Samples, reader) }
		r.Repeat(map[string]func(*rapid.T){
			"PutSession": func(r *rapid.T) {
				_ = f.PutSession(ctx, drawnSession(r, session.Draw(r, "session")))
			},
			"PutRound": func(r *rapid.T) {
				_ = f.PutRound(ctx, drawnRound(r, session.Draw(r, "session"), index.Draw(r, "index")))
			},
			"PutAll": func(r *rapid.T) {
				n := session.Draw(r, "session")
				rounds := []*types.QoSRound{drawnRound(r, n, index.Draw(r, "index")), drawnRound(r, n, index.Draw(r, "index"))}
				_ = f.PutAll(ctx, []*types.QoSSession{drawnSession(r, n)}, rounds)
			},
			"Prune": func(r *rapid.T) {
				_, _ = f.Prune(ctx, rapid.IntRange(0, 3).Draw(r, "retain"))
			},
			"Break": func(*rapid.T) { f.broken.Store(true) },
			"Mend":  func(*rapid.T) { f.broken.Store(false) },
			"Wait": func(*rapid.T) {
				f.clock.Add(int64(repairInterval))
				_, err := f.Prune(ctx, 1000)
				must(t, err)
				f.repairs.Wait()
			},
			"LosePower": func(*rapid.T) {
				crashed := f.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(1, 2))})
				_ = f.Close()
				f.disk = crashed
				f.broken.Store(false)
				f.start(t)
				reader = samples.NewReader(f.Samples, samples.NewRolling(), samples.Prover{})
			},
			"Read": check,
		})
		check(r)
	})
}

// wantDigests checks what a reader shows.
func wantDigests(t *rapid.T, s *Samples, reader *samples.Reader) {
	ctx := context.Background()
	stored, err := s.Sessions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := api.Report{Rolling: []api.RollingReport{}, Sessions: []api.SessionReport{}}
	disputed := make(map[string][]uint32)
	digests := make(map[string]qos.SessionDigest)
	for _, session := range stored {
		id := session.GetHeader().GetId()
		rounds, err := s.Rounds(ctx, id)
		if err != nil {
			continue // it is left out
		}
		want.Sessions = append(want.Sessions, qos.Summarize(session, rounds))
		digests[id] = qos.Digest(session, rounds)
		for _, round := range rounds {
			if disputedIn(round) {
				disputed[id] = append(disputed[id], round.GetIndex())
			}
		}
	}
	got, err := reader.Report(ctx, samples.ReportFilter{})
	wantEqual(t, "report", got, want, err)
	texts, err := reader.ReportText(ctx, samples.ReportFilter{})
	if err != nil || len(texts.Sessions) != len(want.Sessions) {
		t.Fatalf("%d texts of %d sessions, %v", len(texts.Sessions), len(want.Sessions), err)
	}
	for i, text := range texts.Sessions {
		plain := text.Text
		if plain == nil {
			if plain, err = text.Piece.Text(); err != nil {
				t.Fatal(err)
			}
		}
		session := want.Sessions[i]
		session.Servicers = slices.Clone(session.Servicers)
		for i := range session.Servicers {
			session.Servicers[i].OutcomeCounts = session.Servicers[i].Outcomes.Counts()
		}
		if whole, _ := json.Marshal(session); !bytes.Equal(plain, whole) {
			t.Fatalf("text\n%s\nwant\n%s", plain, whole)
		}
	}
	wantWindows(t, stored, digests, reader)
	durable := s.Health().Durable
	list, err := s.List(ctx)
	if err != nil || len(list) != len(stored) {
		t.Fatalf("%d sessions are listed of %d, %v", len(list), len(stored), err)
	}
	for i, listed := range list {
		id := stored[i].GetHeader().GetId()
		if _, readable := digests[id]; listed.Session.GetHeader().GetId() != id || readable && listed.Searched && !slices.Equal(matching(listed.Disputed, disputed[id], durable), disputed[id]) {
			t.Fatalf("session %d is listed as %+v, rounds %v of %s are disputed", i, listed, disputed[id], id)
		}
	}
}

// matching returns listed rounds; of what is held in memory only those that are wanted, since a round may be in both stores.
func matching(listed, wanted []uint32, durable bool) []uint32 {
	if durable {
		return listed
	}
	return slices.DeleteFunc(slices.Clone(listed), func(index uint32) bool { return !slices.Contains(wanted, index) })
}

// wantWindows checks the windows over all sessions.
func wantWindows(t *rapid.T, stored []*types.QoSSession, digests map[string]qos.SessionDigest, reader *samples.Reader) {
	span := qos.Span{Starts: 100}
	want := api.WindowsReport{Window: span.String(), RelativeError: qos.RelativeError, Windows: []api.WindowReport{}}
	for _, window := range qos.PlanWindows(stored, span, time.Now()) {
		for _, session := range window.Sessions {
			if digest, readable := digests[session.GetHeader().GetId()]; readable {
				window.Add(digest)
			} else {
				window.LeaveOut()
			}
		}
		want.Windows = append(want.Windows, window.Report())
	}
	got, err := reader.Windows(context.Background(), samples.WindowFilter{Span: span})
	wantEqual(t, "windows", got, want, err)
}

func wantEqual(t *rapid.T, name string, got, want any, err error) {
	text, _ := json.Marshal(got)
	whole, _ := json.Marshal(want)
	if err != nil || !bytes.Equal(text, whole) {
		t.Fatalf("%s, %v\n%s\nwant\n%s", name, err, text, whole)
	}
}
