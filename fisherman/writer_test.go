package fisherman

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// writing runs a writer for as long as a script, in virtual time.
func writing(t *testing.T, store Store, hooks Hooks, script func(w *writer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, abort := context.WithCancel(t.Context())
		defer abort()
		w := newWriter(store, hooks, slog.New(slog.DiscardHandler))
		ended := make(chan struct{})
		go func() { defer close(ended); w.run(ctx) }()
		script(w)
		w.end()
		<-ended
	})
}

// batches is a store that says what it was given at once, and may be slow.
type batches struct {
	*memoryStore
	took  time.Duration
	given []string
}

func (b *batches) PutAll(ctx context.Context, sessions []*types.QoSSession, rounds []*types.QoSRound) []error {
	time.Sleep(b.took)
	var closed int
	for _, session := range sessions {
		if session.GetClosed() {
			closed++
		}
	}
	b.given = append(b.given, fmt.Sprintf("%d sessions, %d closed, %d rounds", len(sessions), closed, len(rounds)))
	return b.memoryStore.PutAll(ctx, sessions, rounds)
}

func (b *batches) Prune(ctx context.Context, retain int) (int, error) {
	b.given = append(b.given, "prune")
	return b.memoryStore.Prune(ctx, retain)
}

func storedSession() *types.QoSSession {
	return &types.QoSSession{Header: sessionOf(10, 10, 10).GetHeader(), Blocks: 10}
}

func storedRound(index uint32) *types.QoSRound {
	return &types.QoSRound{SessionId: idOf(10), Index: index, Status: types.RoundStatus_ROUND_STATUS_DONE}
}

// What came while the store was busy is stored at once, in order, and pruning comes after what was handed in before it.
func TestWriterCommitsWhatWaits(t *testing.T) {
	store := &batches{memoryStore: newMemoryStore(), took: time.Second}
	writing(t, store, Hooks{}, func(w *writer) {
		session := storedSession()
		w.putSession(session)
		synctest.Wait()
		for index := range uint32(50) {
			w.putRound(session.GetHeader(), storedRound(index), nil)
		}
		session.Closed = true // the writer has the session as it was
		w.putSession(session)
		w.prune(3)
		w.putRound(session.GetHeader(), storedRound(50), nil)
	})
	want := []string{"1 sessions, 0 closed, 0 rounds", "1 sessions, 1 closed, 50 rounds", "prune", "0 sessions, 0 closed, 1 rounds"}
	if !slices.Equal(store.given, want) {
		t.Errorf("given %q", store.given)
	}
}

// Nothing is reported before it is durable, and all of it in the order in which it was handed in.
func TestWriterTellsWhatIsDurable(t *testing.T) {
	store := &batches{memoryStore: newMemoryStore(), took: time.Second}
	var told []string
	started := time.Now()
	note := func(what string) { told = append(told, fmt.Sprintf("%s after %v", what, time.Since(started))) }
	hooks := Hooks{
		Session: func(*types.QoSSession) { note("session") },
		Round:   func(o Observed) { note(fmt.Sprintf("round %d %t", o.Round.GetIndex(), o.Stored)) },
	}
	writing(t, store, hooks, func(w *writer) {
		started = time.Now()
		session := storedSession()
		w.putSession(session)
		w.putRound(session.GetHeader(), storedRound(1), nil)
		w.putRound(session.GetHeader(), storedRound(1), func(err error) { note(fmt.Sprint("repeated: ", errors.Is(err, errRepeated))) })
	})
	all := strings.Join(told, ", ")
	if !strings.HasSuffix(all, "repeated: true after 1s, round 1 false after 1s") && !strings.HasSuffix(all, "repeated: true after 2s, round 1 false after 2s") ||
		strings.Contains(all, "after 0s") || !strings.HasPrefix(all, "session") {
		t.Errorf("told %s", all)
	}
}

// A store that hangs holds up nobody who hands in; what finds no room is counted as not stored.
func TestWriterIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		size, want int
	}{
		"many":  {0, mostWaiting},
		"large": {1 << 20, mostWaitingBytes >> 20},
	} {
		t.Run(name, func(t *testing.T) {
			store := newMemoryStore()
			var stored, lost atomic.Int64
			writing(t, store, Hooks{Round: func(o Observed) {
				if o.Stored {
					stored.Add(1)
				} else {
					lost.Add(1)
				}
			}}, func(w *writer) {
				answering := make(chan struct{})
				store.setFail(func(context.Context, string) error { <-answering; return nil })
				session := storedSession()
				w.putSession(session)
				synctest.Wait() // it hangs
				const more = 10
				for index := range uint32(test.want + more) {
					round := storedRound(index)
					round.Question = strings.Repeat("x", test.size)
					w.putRound(session.GetHeader(), round, nil)
				}
				if waiting := len(w.waiting); waiting > test.want || waiting < test.want-1 {
					t.Errorf("%d rounds wait, want %d", waiting, test.want)
				}
				close(answering)
			})
			if stored, lost := stored.Load(), lost.Load(); int(stored+lost) != test.want+10 || lost < 10 || lost > 11 {
				t.Errorf("%d stored, %d lost", stored, lost)
			}
		})
	}
}

// A session that cannot be stored is tried again without anything else to store, though not for ever.
func TestWriterTriesSessionsAgain(t *testing.T) {
	for name, test := range map[string]struct {
		failing time.Duration
		stored  bool
	}{
		"for a while": {5 * time.Second, true},
		"too long":    {mostTries * retryInterval * 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			store := newMemoryStore()
			tries := 0
			writing(t, store, Hooks{}, func(w *writer) {
				started := time.Now()
				store.setFail(func(context.Context, string) error {
					if tries++; time.Since(started) < test.failing {
						return errors.New("disk")
					}
					return nil
				})
				w.putSession(storedSession())
				time.Sleep(test.failing + 2*retryInterval)
			})
			if (len(store.sessions) == 1) != test.stored || tries > mostTries+1 {
				t.Errorf("%d sessions stored after %d tries", len(store.sessions), tries)
			}
		})
	}
}
