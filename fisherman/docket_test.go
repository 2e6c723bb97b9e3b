package fisherman

import (
	"net"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/fakes"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/wire"
)

// Checks are judged one at a time, and what was held up meanwhile is told from what was not.
func TestDocketJudgesOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		d := newDocket()
		if d.judged(start, time.Hour) {
			t.Error("judged before the first")
		}
		var workers sync.WaitGroup
		for range 3 {
			workers.Go(func() { d.judge(func() { time.Sleep(time.Second) }) })
		}
		time.Sleep(time.Second / 2)
		if !d.judged(start.Add(time.Second/4), time.Second/8) || d.judged(start.Add(-time.Second), time.Second) {
			t.Error("not the time of the first one")
		}
		workers.Wait()
		if !d.judged(start.Add(time.Second/4), time.Second/8) {
			t.Error("the first one is forgotten")
		}
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("three took %v", took)
		}
		if !d.judged(start.Add(2*time.Second+1), time.Hour) || d.judged(start.Add(3*time.Second), time.Hour) {
			t.Error("not the time of the last one")
		}
	})
}

// hoarder takes the room of other checks' answers, over a connection of its own. The returned function gives it back.
func hoarder(t *testing.T, room *wire.Room, holder string, body int) (leave func()) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	go func() {
		_, _ = far.Read(make([]byte, 1))
		_, _ = far.Write(append([]byte("HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(body)+"\r\n\r\n"), make([]byte, body)...))
	}()
	conn := wire.Over(near)
	if _, err := conn.Send([]byte("?"), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	answer, err := conn.ReceiveInto(room, holder)
	if err != nil {
		t.Fatal(err)
	}
	return func() { room.Leave(holder, answer.Held) }
}

// An answer that finds no room is void and ours, and all room is given back when a check is over.
func TestAnswersWithoutRoom(t *testing.T) {
	servicer := fakes.Start(t, fakes.Wordy(200<<10))
	n := newNetwork()
	n.ask, n.dial = seal, (&wire.Dialer{AllowPrivate: true}).Dial
	f := n.fisherman(t)
	defer f.pool.Close()
	f.room = wire.NewRoom(2 << 20)
	s := spec{rules: n.policy.Rules}
	s.Session, s.Question, s.Timeout = sessionOf(10, 10, 12, servicer.Actor()), testQuestion(t), n.policy.Timeout
	for _, full := range []bool{false, true, false} {
		var leaves []func()
		if full {
			for i := range 24 {
				leaves = append(leaves, hoarder(t, f.room, strconv.Itoa(i), 64<<10))
			}
		}
		taken := f.room.Taken()
		s.Due = time.Now().Add(50 * time.Millisecond)
		observed, record := f.carryOut(t.Context(), s, f.pool)
		if overload := record.GetCause() == types.Cause_CAUSE_OVERLOAD; overload != full {
			t.Errorf("with %d bytes taken: %v", taken, record)
		}
		for _, e := range observed.Exchanges {
			if len(e.Payload)+len(e.Response) > 0 || (e.Failure != nil && e.Failure.Attempt == types.Attempt_ATTEMPT_FIND_ROOM) != full {
				t.Errorf("%d bytes are kept; failure: %v", len(e.Payload)+len(e.Response), e.Failure)
			}
		}
		if f.room.Taken() != taken {
			t.Errorf("%d bytes are taken, %d were before", f.room.Taken(), taken)
		}
		for _, leave := range leaves {
			leave()
		}
		if f.room.Taken() != 0 {
			t.Errorf("%d bytes are taken in the end", f.room.Taken())
		}
	}
}
