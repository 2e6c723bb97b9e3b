package wire

import (
	"io"
	"iter"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/fakes"
)

const here, there = "http://here.example", "http://there.example"

// watched is a connection over a pipe whose far side notes that it was closed.
type watched struct {
	*Conn
	ended chan struct{}
}

func watch(t *testing.T) watched {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	w := watched{Conn: Over(near), ended: make(chan struct{})}
	go func() {
		defer close(w.ended)
		_, _ = io.Copy(io.Discard, far) // until it is closed
	}()
	return w
}

// closed reports whether the connection was closed, once everything has come to rest.
func (w watched) closed() bool {
	synctest.Wait()
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

// open counts the connections that are not closed.
func open(connections []watched) (count int) {
	for _, w := range connections {
		if !w.closed() {
			count++
		}
	}
	return count
}

func dialled(t *testing.T, servicer *fakes.Servicer) *Conn {
	t.Helper()
	conn, err := (&Dialer{AllowPrivate: true}).Dial(t.Context(), servicer.URL())
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := &Pool{}
		if pool.Take(here) != nil {
			t.Error("took a connection that nobody gave")
		}
		first := watch(t)
		pool.Give(here, first.Conn)
		if pool.Take(there) != nil || pool.Take(here) != first.Conn || pool.Take(here) != nil {
			t.Error("took another connection than was given")
		}
		var given []watched
		for range mostIdle + 3 {
			given = append(given, watch(t))
			pool.Give(here, given[len(given)-1].Conn)
		}
		other := watch(t)
		pool.Give(there, other.Conn)
		if open(given) != mostIdle || first.closed() || other.closed() {
			t.Errorf("%d are open; the one in our hands closed: %t", open(given), first.closed())
		}
		pool.Retain(map[string]bool{here: true})
		if !other.closed() || open(given) != mostIdle {
			t.Errorf("closed to a URL that is not needed: %t; %d to the other are open", other.closed(), open(given))
		}
		pool.Close()
		late, lateThere := watch(t), watch(t)
		pool.Give(here, late.Conn)
		pool.Give(there, lateThere.Conn)
		if open(given) > 0 || !late.closed() || !lateThere.closed() || first.closed() {
			t.Errorf("%d are open after the pool was closed", open(given))
		}
		if pool.Take(here) != nil || pool.Take(there) != nil {
			t.Error("a closed pool keeps connections")
		}
	})
}

// The newest is taken first: it is the least likely to have been closed by the far side.
func TestPoolTakesTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := &Pool{}
		older, newer := watch(t), watch(t)
		pool.Give(here, older.Conn)
		time.Sleep(time.Second)
		pool.Give(here, newer.Conn)
		if pool.Take(here) != newer.Conn || pool.Take(here) != older.Conn {
			t.Error("the older was taken first")
		}
	})
}

// A connection that comes back late is no newer for that: it is the first to be retired.
func TestPoolRetiresTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := &Pool{}
		defer pool.Close()
		older := watch(t)
		time.Sleep(time.Second)
		newer := watch(t)
		pool.Retire(here)
		pool.Give(here, newer.Conn)
		pool.Give(here, older.Conn)
		pool.Retire(here)
		if !older.closed() || newer.closed() || pool.count != 1 {
			t.Errorf("older closed: %t, newer closed: %t, %d are counted", older.closed(), newer.closed(), pool.count)
		}
		if pool.Take(here) != newer.Conn || pool.count != 0 {
			t.Error("the newer was not kept")
		}
		newer.Close()
	})
}

// What the far side has closed is not handed out, and does not count as kept. Only a socket tells.
func TestPoolDropsTheDead(t *testing.T) {
	servicer := fakes.Start(t, fakes.Honest())
	pool := &Pool{}
	defer pool.Close()
	for range mostIdle {
		pool.Give(servicer.URL(), dialled(t, servicer))
	}
	servicer.AwaitOpen(t, mostIdle)
	servicer.HangUp()
	servicer.AwaitOpen(t, 0)
	if pool.Take(servicer.URL()) != nil {
		t.Error("took a dead connection")
	}
	if len(pool.of(servicer.URL()).idle) > 0 || pool.count != 0 {
		t.Errorf("kept dead connections: %d are counted", pool.count)
	}
	fresh := dialled(t, servicer)
	pool.Give(servicer.URL(), fresh)
	if pool.Take(servicer.URL()) != fresh {
		t.Error("a live connection was not kept")
	}
	fresh.Close()
}

// Taking for many URLs at once passes over the dead ones, URL by URL, and hands out no connection twice.
func TestPoolTakesForMany(t *testing.T) {
	well, dying := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())
	pool := &Pool{}
	defer pool.Close()
	dead := dialled(t, dying)
	dying.AwaitOpen(t, 1)
	dying.HangUp()
	dying.AwaitOpen(t, 0)
	older, newer := dialled(t, well), dialled(t, well)
	pool.Give(well.URL(), older)
	pool.Give(well.URL(), newer)
	pool.Give(dying.URL(), dead)
	pool.Give(here, dead) // as if it had died behind another one
	urls := []string{well.URL(), dying.URL(), there, well.URL(), here, well.URL()}
	if taken := pool.TakeAll(urls); !slices.Equal(taken, []*Conn{newer, nil, nil, older, nil, nil}) || pool.count != 0 {
		t.Errorf("took %v, %d are counted", taken, pool.count)
	}
	older.Close()
	newer.Close()
	live, behind := dialled(t, well), dialled(t, dying)
	pool.Give(here, live)
	pool.Give(here, behind) // the newer one
	dying.AwaitOpen(t, 1)
	dying.HangUp()
	dying.AwaitOpen(t, 0)
	if taken := pool.TakeAll([]string{here}); taken[0] != live {
		t.Error("a live connection behind a dead one was not taken")
	}
	live.Close()
}

// However many URLs there are, no more connections are kept than may be.
func TestPoolIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := &Pool{Most: 3}
		var one, another []watched
		give := func(url string, given *[]watched) {
			*given = append(*given, watch(t))
			pool.Give(url, (*given)[len(*given)-1].Conn)
		}
		for range 2 {
			give(here, &one)
			give(there, &another)
		}
		if open(one) != 2 || open(another) != 1 {
			t.Errorf("%d and %d are open", open(one), open(another))
		}
		pool.Retain(map[string]bool{there: true})
		if open(one) != 0 || pool.count != 1 {
			t.Errorf("%d are open, %d are counted", open(one), pool.count)
		}
		give(here, &one)
		give(here, &one)
		if open(one) != 2 {
			t.Errorf("%d are open", open(one))
		}
		taken := pool.Take(there)
		if taken == nil || pool.count != 2 {
			t.Fatalf("%v, %d are kept", taken, pool.count)
		}
		pool.Close()
		if open(one) != 0 || pool.count != 0 || open(another) != 1 {
			t.Errorf("%d are open, %d are kept; of the taken ones %d are open", open(one), pool.count, open(another))
		}
	})
}

// A connection that was made for exchanges that overlapped is closed when none has needed it for a while; one is kept.
func TestPoolClosesTheSurplus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := &Pool{}
		first, second := watch(t), watch(t)
		pool.Give(here, first.Conn)
		pool.Give(here, second.Conn)
		useAfter := func(idle time.Duration) {
			time.Sleep(idle)
			pool.Give(here, pool.Take(here))
		}
		useAfter(surplusIdle / 2)
		useAfter(surplusIdle / 2)
		if first.closed() || second.closed() || pool.count != 2 {
			t.Error("closed too early")
		}
		useAfter(time.Second)
		if !first.closed() || pool.count != 1 {
			t.Errorf("the surplus is kept: %d", pool.count)
		}
		useAfter(time.Hour)
		if second.closed() || pool.Take(here) != second.Conn {
			t.Error("the last connection was not kept")
		}
	})
}

// A pool takes over what another kept, within its own bounds.
func TestPoolAdopts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool, other := &Pool{Most: mostIdle + 2}, &Pool{}
		var own, adopted, elsewhere []watched
		give := func(to *Pool, url string, given *[]watched, count int) {
			for range count {
				*given = append(*given, watch(t))
				to.Give(url, (*given)[len(*given)-1].Conn)
			}
		}
		give(pool, here, &own, mostIdle-1)
		give(other, here, &adopted, 3)
		give(other, there, &elsewhere, 3)
		pool.Adopt(other)
		// Which URL's are taken first is open.
		if open(own) != mostIdle-1 || open(adopted) > 1 || open(adopted)+open(elsewhere) != 3 || pool.count != mostIdle+2 {
			t.Errorf("%d, %d and %d are open, %d are counted", open(own), open(adopted), open(elsewhere), pool.count)
		}
		pool.Close()
		if open(own)+open(adopted)+open(elsewhere) > 0 {
			t.Error("some are open after the pool was closed")
		}
		orphan := watch(t)
		last := &Pool{}
		last.Give(here, orphan.Conn)
		if pool.Adopt(last); !orphan.closed() {
			t.Error("a closed pool adopts connections")
		}
	})
}

// What is known of a URL that connects late: until it answers, and for as long as it is needed.
func TestPoolRemembersLateness(t *testing.T) {
	servicer := fakes.Start(t, fakes.Honest())
	url := servicer.URL()
	pool := &Pool{}
	defer pool.Close()
	urls := func(urls ...string) iter.Seq[string] { return slices.Values(urls) }
	known := func(slowest time.Duration, evasive bool) {
		t.Helper()
		if got := pool.Slowest(urls(there, url)); got != slowest || pool.Evasive(url) != evasive || pool.Slowest(urls(there)) > 0 || pool.Evasive(there) {
			t.Errorf("slowest %v, evasive %t", got, pool.Evasive(url))
		}
	}
	pool.HungUp(url) // a restart, nothing else
	known(0, false)
	pool.GiveLate(url, dialled(t, servicer), 2*time.Second)
	known(2*time.Second, false)
	servicer.AwaitOpen(t, 1)
	servicer.HangUp()
	servicer.AwaitOpen(t, 0)
	if pool.Take(url) != nil {
		t.Error("took a dead connection")
	}
	known(2*time.Second, true)
	pool.GiveLate(url, dialled(t, servicer), time.Second) // late again: what it did before still counts
	known(2*time.Second, true)
	pool.Answered(url, false)
	known(2*time.Second, false)
	pool.HungUp(url)
	known(2*time.Second, true)
	pool.Retain(map[string]bool{url: true})
	known(2*time.Second, true)
	times := func(want int) {
		t.Helper()
		if got := pool.Late(url); got != want || pool.Late(there) > 0 {
			t.Errorf("late %d times, want %d", got, want)
		}
	}
	times(2)
	for range forgiving - 1 {
		pool.Answered(url, true)
		pool.Answered(url, false) // over a new connection, which shows nothing
	}
	times(2)
	pool.GiveLate(url, dialled(t, servicer), time.Second)
	for range forgiving - 1 {
		pool.Answered(url, true)
	}
	times(3)
	pool.Answered(url, true)
	times(0)
	known(2*time.Second, false)
	pool.Retain(nil)
	known(0, false)
}
