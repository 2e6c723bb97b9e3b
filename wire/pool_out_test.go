package wire

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/internal/fakes"
)

// Connections in use and such that are being made count too: idle ones are closed for them, and they are never refused.
func TestPoolBoundsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := &Pool{Most: 3}
		defer pool.Close()
		wants := func(idle, out int) {
			t.Helper()
			if pool.count != idle || pool.out != out {
				t.Errorf("%d idle and %d in use, want %d and %d", pool.count, pool.out, idle, out)
			}
		}
		given := []watched{watch(t), watch(t)}
		pool.Give(here, given[0].Conn)
		pool.Give(there, given[1].Conn)
		wants(2, 0)
		taken := pool.Take(here)
		wants(1, 1)
		pool.Begin(here)
		wants(1, 2)
		pool.Begin(there)
		wants(0, 3)
		if given[0].closed() || !given[1].closed() {
			t.Error("another connection was closed than the idle one")
		}
		pool.Begin(there) // nothing is left to close
		wants(0, 4)
		pool.Give(here, taken)
		wants(0, 3)
		if !given[0].closed() {
			t.Error("more are kept than may be")
		}
		pool.Drop(there, nil)
		pool.Drop(there, nil)
		pool.Drop(there, nil) // which was not begun
		wants(0, 1)
		made := watch(t)
		pool.Give(here, made.Conn)
		wants(1, 0)
		pool.Drop(here, pool.Take(here))
		wants(0, 0)
		if !made.closed() {
			t.Error("a dropped connection is open")
		}
	})
}

// A check can wait for its moment where each of its servicers has a connection: idle and alive, or in use by another check.
func TestPoolKnowsWhatIsKept(t *testing.T) {
	well, dying := fakes.Start(t, fakes.Honest()), fakes.Start(t, fakes.Honest())
	pool := &Pool{}
	defer pool.Close()
	kept := func(want bool, urls ...string) {
		t.Helper()
		if _, kept := pool.Kept(slices.Values(urls)); kept != want {
			t.Errorf("%v: kept %t", urls, kept)
		}
	}
	kept(true)
	kept(false, well.URL())
	pool.Begin(well.URL())
	kept(true, well.URL())
	pool.Made(well.URL(), 3*time.Second)
	pool.Give(well.URL(), dialled(t, well))
	pool.Give(dying.URL(), dialled(t, dying))
	kept(true, well.URL(), dying.URL())
	kept(false, well.URL(), well.URL())
	taken := pool.Take(well.URL())
	kept(true, dying.URL(), well.URL())
	kept(false, well.URL(), well.URL())
	pool.Give(well.URL(), dialled(t, well)) // a second one, while the first is believed to have come back
	pool.Begin(well.URL())
	kept(true, well.URL(), well.URL())
	dying.AwaitOpen(t, 1)
	dying.HangUp()
	dying.AwaitOpen(t, 0)
	kept(false, well.URL(), dying.URL())
	if len(pool.of(dying.URL()).idle) > 0 {
		t.Error("a dead connection is kept")
	}
	if slowest, _ := pool.Kept(slices.Values([]string{well.URL(), dying.URL()})); slowest != 3*time.Second {
		t.Errorf("connecting took %v", slowest)
	}
	taken.Close()
	pool.Retain(nil)
	if slowest, _ := pool.Kept(slices.Values([]string{well.URL()})); slowest != 3*time.Second || len(pool.urls) != 1 {
		t.Errorf("forgot a URL with a connection in use: %v", pool.urls)
	}
	pool.Drop(well.URL(), nil)
	pool.Retain(nil)
	if len(pool.urls) != 0 {
		t.Errorf("remembers %v", pool.urls)
	}
}

// The buffer of a new connection is not kept: with checks over new connections they would become more and more.
func TestBuffersOfNewConnectionsAreLetGo(t *testing.T) {
	servicer := fakes.Start(t, fakes.Honest())
	pool := &Pool{}
	defer pool.Close()
	pool.Give(servicer.URL(), dialled(t, servicer))
	if pool.buffers.unused.Get() != nil {
		t.Error("it is kept")
	}
}

// An idle connection has no buffer; one that is taken has, and answers.
func TestIdleConnectionsHaveNoBuffer(t *testing.T) {
	servicer := fakes.Start(t, fakes.Honest())
	pool := &Pool{}
	defer pool.Close()
	for range 3 {
		conn := pool.Take(servicer.URL())
		if conn == nil {
			conn = dialled(t, servicer)
		}
		if conn.reader == nil || !conn.Alive() {
			t.Fatal("a connection that is taken cannot be read from")
		}
		pool.Give(servicer.URL(), conn)
		if conn.reader != nil || !conn.Alive() || !Living([]*Conn{conn})[0] {
			t.Error("an idle connection has a buffer, or is dead")
		}
	}
}
