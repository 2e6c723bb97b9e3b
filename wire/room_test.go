package wire

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Whatever is taken and given back, no more is taken than there is, and who holds nothing finds room.
func TestRoomIsNeverUsedUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1<<16, 1<<20).Draw(t, "most")
		r := NewRoom(most)
		held := make(map[string]int)
		sum := 0
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			holder := fmt.Sprint(rapid.IntRange(0, 9).Draw(t, "holder"))
			if rapid.IntRange(0, 3).Draw(t, "leaves") == 0 {
				r.Leave(holder, held[holder])
				sum -= held[holder]
				held[holder] = 0
				continue
			}
			bytes := rapid.IntRange(1, most/4).Draw(t, "bytes")
			got, want := r.take(holder, bytes), held[holder]+bytes <= (most-sum)/roomShare
			if got != want {
				t.Fatalf("%d bytes taken, %d by %s: %d more: %t", sum, held[holder], holder, bytes, got)
			}
			if got {
				held[holder] += bytes
				sum += bytes
			}
			if sum != r.Taken() || sum >= most {
				t.Fatalf("%d bytes taken of %d, counted %d", sum, most, r.Taken())
			}
		}
		// Of ten that take what they can, an eleventh one finds as much as each of them may have at that time.
		if left := most - sum; left >= roomShare && !r.take("another", left/roomShare) {
			t.Fatalf("no room for another, %d bytes left", left)
		}
	})
}

// However many answers one holder gives at once, a large one of another finds room.
func TestOneHolderLeavesRoom(t *testing.T) {
	r := NewRoom(48 << 20)
	took := 0
	for r.take("hostile", 64<<10) {
		took += 64 << 10
	}
	if took > r.most/roomShare || !r.take("honest", MaxBodyBytes) {
		t.Errorf("it took %d of %d bytes", took, r.most)
	}
}

// serve has one end of a pipe answer a request with text, and returns the other.
func serve(t *testing.T, answer string) *Conn {
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	go func() {
		_, _ = far.Read(make([]byte, 1))
		_, _ = far.Write([]byte(answer))
	}()
	conn := Over(near)
	if _, err := conn.Send([]byte("?"), time.Now().Add(time.Second)); err != nil {
		t.Error(err)
	}
	return conn
}

// An answer takes the room that its bytes have in memory, those of a usual one aside, and gives it back when it fails.
func TestAnswersTakeRoom(t *testing.T) {
	sized := func(length, sent int) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, strings.Repeat("x", sent))
	}
	chunked := func(length int) string {
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", length, strings.Repeat("x", length))
	}
	lines := func(count int) string {
		var b strings.Builder
		for i := range count {
			fmt.Fprintf(&b, "%x:\r\n", i)
		}
		return "HTTP/1.1 200 OK\r\n" + b.String() + "Content-Length: 1\r\n\r\nx"
	}
	const ok = types.Outcome_OUTCOME_UNSPECIFIED
	for name, test := range map[string]struct {
		answer     string
		room       int
		body, held int
		outcome    types.Outcome
	}{
		"nothing":               {sized(0, 0), 0, 0, 0, ok},
		"usual":                 {sized(freeBody, freeBody), 0, freeBody, 0, ok},
		"a byte more":           {sized(freeBody+1, freeBody+1), 8, freeBody + 1, 1, ok},
		"no room for it":        {sized(freeBody+1, freeBody+1), 7, 0, 0, types.Outcome_OUTCOME_VOID},
		"large":                 {sized(100_000, 100_000), 1 << 20, 100_000, 100_000 - freeBody, ok},
		"largest":               {sized(MaxBodyBytes, MaxBodyBytes), 16 << 20, MaxBodyBytes, MaxBodyBytes - freeBody, ok},
		"announced only":        {sized(MaxBodyBytes, 100), 0, 0, 0, types.Outcome_OUTCOME_TIMEOUT},
		"broken off":            {sized(100_000, 50_000), 1 << 20, 0, 0, types.Outcome_OUTCOME_TIMEOUT},
		"chunks":                {chunked(freeBody - 1), 0, freeBody - 1, 0, ok},
		"large chunks":          {chunked(10_000), 1 << 20, 10_000, 16<<10 - freeBody, ok},
		"large chunks, no room": {chunked(10_000), 1 << 10, 0, 0, types.Outcome_OUTCOME_VOID},
		"too large":             {sized(MaxBodyBytes+1, 0), 16 << 20, 0, 0, types.Outcome_OUTCOME_TOO_LARGE},
		"too large chunks":      {chunked(MaxBodyBytes + 1), 64 << 20, 0, 0, types.Outcome_OUTCOME_TOO_LARGE},
		"a long header":         {lines(1000), 1 << 20, 1, (len(lines(1000)) - freeHeader) * headerCost, ok},
		"no room for a header":  {lines(1000), 1 << 10, 0, 0, types.Outcome_OUTCOME_VOID},
		"a longer header":       {lines(4000), 64 << 20, 0, 0, types.Outcome_OUTCOME_TOO_LARGE},
	} {
		synctest.Test(t, func(t *testing.T) {
			room := NewRoom(test.room)
			answer, err := serve(t, test.answer).ReceiveInto(room, "a")
			if test.outcome != ok {
				failure, is := errors.AsType[*Failure](err)
				if !is || failure.Outcome != test.outcome || room.Taken() != 0 {
					t.Errorf("%s: %v, %d bytes taken", name, err, room.Taken())
				}
				if void := test.outcome == types.Outcome_OUTCOME_VOID; is && (void != errors.Is(err, ErrNoRoom) || void != (failure.Attempt == types.Attempt_ATTEMPT_FIND_ROOM) ||
					void && failure.Blame != types.Blame_BLAME_SELF) {
					t.Errorf("%s: %v blames %v, at %v", name, err, failure.Blame, failure.Attempt)
				}
				return
			}
			if err != nil || len(answer.Body) != test.body || answer.Held != test.held || room.Taken() != test.held {
				t.Errorf("%s: %v, %d bytes taken", name, err, room.Taken())
				return
			}
			room.Leave("a", answer.Held)
			if room.Taken() != 0 || len(room.held) != 0 {
				t.Errorf("%s: %d bytes are left", name, room.Taken())
			}
		})
	}
}
