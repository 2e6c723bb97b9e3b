package inbound

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeListener accepts what a test gives it.
type fakeListener struct {
	net.Listener
	waiting chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

func (f *fakeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-f.waiting:
		return conn, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

func (f *fakeListener) Close() error { f.once.Do(func() { close(f.closed) }); return nil }

// fakeConn is a connection from an address.
type fakeConn struct {
	net.Conn
	name   string
	from   net.Addr
	closed atomic.Bool
}

func (f *fakeConn) RemoteAddr() net.Addr { return f.from }
func (f *fakeConn) Close() error         { f.closed.Store(true); return nil }

// bench is a listener with what was accepted from it. It lives in a bubble of testing/synctest.
type bench struct {
	t        *testing.T
	listener *Listener
	below    *fakeListener
	all      map[string]*fakeConn

	mu       sync.Mutex
	accepted []string
}

func newBench(t *testing.T, bounds Bounds) *bench {
	below := &fakeListener{waiting: make(chan net.Conn), closed: make(chan struct{})}
	b := &bench{t: t, listener: Listen(below, bounds), below: below, all: make(map[string]*fakeConn)}
	go func() {
		for {
			conn, err := b.listener.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.accepted = append(b.accepted, conn.(*fakeConn).name)
			b.mu.Unlock()
		}
	}()
	t.Cleanup(func() { _ = b.listener.Close() })
	return b
}

// took reports whether a connection was accepted.
func (b *bench) took(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.accepted, name)
}

// connect has a client connect; false if the listener is not even accepting.
func (b *bench) connect(name, from string) bool {
	b.t.Helper()
	address, err := net.ResolveTCPAddr("tcp", from)
	if err != nil {
		b.t.Fatal(err)
	}
	b.all[name] = &fakeConn{name: name, from: address}
	synctest.Wait()
	select {
	case b.below.waiting <- b.all[name]:
		synctest.Wait()
		return true
	default:
		return false
	}
}

func (b *bench) is(state http.ConnState, names ...string) {
	for _, name := range names {
		b.listener.Track(b.all[name], state)
	}
	synctest.Wait()
}

// holds checks which connections were closed, and that all others were accepted.
func (b *bench) holds(closed ...string) {
	b.t.Helper()
	for name, conn := range b.all {
		if want := slices.Contains(closed, name); conn.closed.Load() != want {
			b.t.Errorf("%s closed: %t", name, conn.closed.Load())
		} else if !want && !b.took(name) {
			b.t.Errorf("%s is not accepted", name)
		}
	}
}

// The client that is idle for the longest time, with the most connections, makes room; none who is being answered does.
func TestIdleOnesMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Bounds{Most: 4})
		b.connect("a1", "8.8.8.8:1")
		b.connect("b1", "9.9.9.9:1")
		b.connect("b2", "9.9.9.9:2")
		b.connect("b3", "9.9.9.9:3")
		b.is(http.StateActive, "b1", "b2")
		b.is(http.StateIdle, "b2", "b1")
		b.holds()
		b.connect("c1", "7.7.7.7:1") // b has the most; b3 never asked anything
		b.holds("b3")
		b.connect("c2", "7.7.7.7:2") // b and c have as many then: the idlest
		b.holds("b3", "b2")
		b.is(http.StateActive, "c1", "c2", "a1", "b1")
		b.connect("d1", "6.6.6.6:1")
		if b.all["d1"].closed.Load() || b.took("d1") {
			t.Error("one beyond all is not kept waiting")
		}
		if b.connect("e1", "5.5.5.5:1") {
			t.Error("another one is accepted")
		}
		delete(b.all, "e1")
		b.is(http.StateIdle, "a1")
		b.holds("b3", "b2", "a1")
		b.is(http.StateClosed, "b3", "c1") // b3 is long forgotten
		b.connect("e2", "5.5.5.5:2")
		b.holds("b3", "b2", "a1")
	})
}

// Where connections are displaced, a client that finds no room takes the place of the oldest of the client with the most, or of
// its own; never that of one who has no more than it has itself.
func TestTheOldestAreDisplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Bounds{Most: 4, PerClient: 3, Displace: true})
		active := func(name, from string) {
			b.connect(name, from)
			b.is(http.StateActive, name)
		}
		active("a1", "8.8.8.8:1")
		active("a2", "8.8.8.8:2")
		active("a3", "8.8.8.8:3")
		b.holds()
		time.Sleep(answerTenure) // virtual
		active("a4", "8.8.8.8:4")
		b.holds("a1")
		active("b1", "9.9.9.9:1")
		b.holds("a1")
		active("c1", "7.7.7.7:1") // a has the most
		b.holds("a1", "a2")
		active("d1", "6.6.6.6:1")
		b.holds("a1", "a2", "a3")
		time.Sleep(answerTenure) // virtual
		b.connect("e1", "5.5.5.5:1")
		if b.all["e1"].closed.Load() || b.took("e1") {
			t.Error("one is displaced by a client that has as many")
		}
		b.is(http.StateClosed, "d1")
		time.Sleep(tenurePause) // virtual
		synctest.Wait()
		b.holds("a1", "a2", "a3")
	})
}

// Where connections are displaced, one that has just been made, or whose request has just come, is left alone: others wait.
func TestTenure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Bounds{Most: 2, Displace: true})
		waits := func(name string) {
			t.Helper()
			if b.all[name].closed.Load() || b.took(name) {
				t.Errorf("%s does not wait", name)
			}
		}
		b.connect("a1", "127.0.0.1:1")
		b.connect("b1", "127.0.0.2:1")
		b.connect("c1", "127.0.0.3:1")
		waits("c1")
		time.Sleep(askTenure + tenurePause) // virtual
		synctest.Wait()
		b.holds("a1")
		b.is(http.StateActive, "b1", "c1")
		b.connect("b2", "127.0.0.2:2")
		waits("b2")
		b.is(http.StateIdle, "c1") // what is answered goes at once
		b.holds("a1", "c1")
		b.is(http.StateActive, "b2")
		b.connect("d1", "127.0.0.4:1")
		waits("d1")
		time.Sleep(answerTenure + tenurePause) // virtual
		synctest.Wait()
		b.holds("a1", "c1", "b1")
	})
}

// A crowd that fills what the kernel holds, and says nothing or half a request, delays one that asks by less than a second.
func TestACrowdThatSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most, crowd = 34, 4096
		b := newBench(t, Bounds{Most: most, Displace: true})
		address, begin := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}, time.Now()
		for range crowd {
			b.below.waiting <- &fakeConn{name: "silent", from: address}
		}
		b.below.waiting <- &fakeConn{name: "asks", from: address}
		for !b.took("asks") {
			time.Sleep(time.Millisecond) // virtual
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("it waits for %s", took)
		}
	})
}

// Where connections are displaced, one that may be about to ask stays while there is one that was answered.
func TestServedOnesMakeRoomFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Bounds{Most: 3, Displace: true})
		b.connect("silent", "127.0.0.1:1")
		for _, name := range []string{"served 1", "served 2"} {
			b.connect(name, "127.0.0.1:2")
			b.is(http.StateActive, name)
			b.is(http.StateIdle, name)
		}
		time.Sleep(askTenure) // virtual
		b.connect("next 1", "127.0.0.1:3")
		b.holds("served 1")
		b.connect("next 2", "127.0.0.1:4")
		b.holds("served 1", "served 2")
		b.connect("next 3", "127.0.0.1:5")
		b.holds("served 1", "served 2", "silent")
	})
}

// A crowd of one address does not displace early what is another's, who has fewer.
func TestACrowdIsNotBeforeOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Bounds{Most: 4, Displace: true})
		for i := range 3 {
			name := fmt.Sprint("crowd ", i)
			b.connect(name, "127.0.0.1:1")
			b.is(http.StateActive, name) // and has answerTenure
		}
		time.Sleep(silence) // virtual
		b.connect("other", "127.0.0.2:1")
		b.connect("crowd 4", "127.0.0.1:1")
		time.Sleep(answerTenure - silence - tenurePause) // virtual
		synctest.Wait()
		if b.all["other"].closed.Load() {
			t.Error("the other's is closed")
		}
	})
}

// Where connections are not displaced, one that was served and is kept stays in a crowd that says nothing, also from its own address.
func TestServedOnesOutlastACrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Bounds{Most: 16})
		b.connect("kept", "127.0.0.1:1")
		b.is(http.StateActive, "kept")
		b.is(http.StateIdle, "kept")
		for i := range 64 {
			b.connect(fmt.Sprint("silent ", i), "127.0.0.1:2")
		}
		if b.all["kept"].closed.Load() {
			t.Error("it is closed")
		}
	})
}

// While clients are answered, there is room soon without those that may be about to ask.
func TestSilentOnesAreLeftAloneWhileOthersAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Bounds{Most: 3, Displace: true})
		b.connect("silent", "127.0.0.1:1")
		b.connect("asks 1", "127.0.0.1:2")
		b.connect("asks 2", "127.0.0.1:3")
		b.is(http.StateActive, "asks 1", "asks 2")
		for i := range 8 {
			b.connect(fmt.Sprint("asks ", i+3), "127.0.0.1:4")
			time.Sleep(askTenure / 9) // virtual
			after := http.StateIdle
			if i%2 == 0 {
				after = http.StateClosed // as asked to
			}
			b.is(after, fmt.Sprint("asks ", i+1))
			b.is(http.StateActive, fmt.Sprint("asks ", i+3))
		}
		if b.all["silent"].closed.Load() {
			t.Error("it is displaced")
		}
	})
}

// A connection whose bytes the server has not read yet is no silent one.
func TestUnread(t *testing.T) {
	below, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer below.Close()
	far, err := net.Dial("tcp", below.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	conn, err := below.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if unread(conn) {
		t.Error("bytes before any were sent")
	}
	if _, err := io.WriteString(far, "GET"); err != nil {
		t.Fatal(err)
	}
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Read(func(uintptr) bool { return unread(conn) }); err != nil { // waits for them
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 3)); err != nil || unread(conn) {
		t.Error("bytes after all were read: ", err)
	}
	l := Listen(below, Bounds{Most: 2, Displace: true})
	if !l.admit(conn) {
		t.Fatal("it is not admitted")
	}
	if _, err := io.WriteString(far, "/"); err != nil {
		t.Fatal(err)
	}
	if err := raw.Read(func(uintptr) bool { return unread(conn) }); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent = true
	at := l.open[conn].made.Add(silentTenure)
	if from := ClientOf(conn.RemoteAddr()); !l.stays(conn, l.open[conn], from, at) {
		t.Error("one with bytes that were not read makes room early")
	} else if l.stays(conn, l.open[conn], from, at.Add(askTenure)) {
		t.Error("it never makes room")
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil || l.stays(conn, l.open[conn], ClientOf(conn.RemoteAddr()), at) {
		t.Error("a silent one does not make room: ", err)
	}
}

// The end of a request's header is found however its bytes come.
func TestTheEndOfAHeaderIsFound(t *testing.T) {
	for header, end := range map[string]int{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\nbody\r\n": 27, "GET / HTTP/1.1\nHost: x\n\nbody": 24, "\r\n\r\n": 4, "a\n\n\n\n": 3,
		"GET / HTTP/1.1\r\nHost: x\r\n": 0, "\r\r\n\r\r\n": 0, "": 0,
	} {
		for size := 1; size <= len(header)+1; size++ {
			l := Listen(nil, Bounds{Most: 1, Displace: true})
			a := newAsking(nil, l)
			for came := range slices.Chunk([]byte(header), size) {
				if a.tail != nil {
					a.look(came)
				}
			}
			if found := a.tail == nil; found != (end > 0) {
				t.Errorf("%q in pieces of %d: %t", header, size, found)
			}
			a = newAsking(nil, l)
			if end > 0 {
				for _, b := range []byte(header)[:end-1] {
					a.look([]byte{b})
				}
				if a.tail == nil {
					t.Errorf("%q ends before", header)
				}
			}
		}
	}
}

// A connection whose request was read is left alone for as long as an answer takes, though the server has not said so yet.
func TestReadRequestsAreLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Bounds{Most: 1, Displace: true})
		b.connect("asks", "127.0.0.1:1")
		b.listener.asked(b.all["asks"])
		b.connect("silent", "127.0.0.1:2")
		time.Sleep(answerTenure / 2) // virtual
		synctest.Wait()
		if b.all["asks"].closed.Load() {
			t.Error("it is displaced")
		}
		time.Sleep(answerTenure) // virtual
		synctest.Wait()
		b.holds("asks")
	})
}

func TestClientsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Bounds{Most: 100, PerClient: 2})
		b.connect("a1", "8.8.8.8:1")
		b.connect("a2", "[::ffff:8.8.8.8]:2")
		b.connect("b1", "8.8.8.9:1")
		b.is(http.StateActive, "a1", "a2")
		b.connect("a3", "8.8.8.8:3")
		b.holds("a3")
		b.is(http.StateIdle, "a2")
		b.connect("a4", "8.8.8.8:4")
		b.holds("a3", "a2")
		b.connect("six1", "[2001:4860::1]:1")
		b.connect("six2", "[2001:4860::2]:1")
		b.connect("six3", "[2001:4860::ffff:0:0:3]:1") // of one /64
		b.holds("a3", "a2", "six1")
		b.connect("other", "[2001:4860:0:1::3]:1")
		for _, near := range []string{"127.0.0.1", "10.0.0.1", "[::1]", "[fd00::1]", "[fe80::1]", "192.168.1.1"} {
			for port := range 5 {
				b.connect(fmt.Sprint(near, port), fmt.Sprintf("%s:%d", near, port+1))
			}
		}
		b.holds("a3", "a2", "six1")
	})
}

// A listener that waits for room ends.
func TestCloseEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, Bounds{Most: 1})
		b.connect("a", "8.8.8.8:1")
		b.is(http.StateActive, "a")
		b.connect("b", "8.8.8.8:2")
		_ = b.listener.Close()
		synctest.Wait()
		b.holds("b")
		b.is(http.StateHijacked, "a")
		if len(b.listener.open)+len(b.listener.clients) != 0 {
			t.Error("something is left")
		}
	})
}

// serving serves answers within bounds.
func serving(t *testing.T, bounds Bounds, handler http.HandlerFunc) (address string, listener *Listener) {
	t.Helper()
	below, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener = Listen(below, bounds)
	server := &http.Server{Handler: handler, ConnState: listener.Track}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return below.Addr().String(), listener
}

// ask connects and asks once; the connection stays open.
func ask(t *testing.T, address string) error {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return err
	}
	status := make([]byte, 12)
	if _, err = io.ReadFull(conn, status); err == nil && !strings.HasSuffix(string(status), "200") {
		err = errors.New(string(status))
	}
	return err
}

// Four times as many connections as there may be, each with one cheap request and then idle, keep nobody out.
func TestIdleFlood(t *testing.T) {
	address, _ := serving(t, Bounds{Most: 16, PerClient: 4}, func(http.ResponseWriter, *http.Request) {})
	for i := range 64 {
		if err := ask(t, address); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
}

// Descriptors are left for the rest of the process, however many connections there may be.
func TestDescriptorsAreLeft(t *testing.T) {
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	raw, err := probe.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	_ = raw.Control(func(fd uintptr) { most = int(fd) + 40 })
	address, listener := serving(t, Bounds{Most: 1000, Descriptors: most}, func(http.ResponseWriter, *http.Request) {})
	for i := range 100 {
		if err := ask(t, address); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	listener.mu.Lock()
	defer listener.mu.Unlock()
	// The clients' ends are descriptors of this process as well.
	if open := len(listener.open); open > 25 {
		t.Errorf("%d connections are open", open)
	}
}

// A client on loopback or a private network that asks without end over all connections that it can get leaves room for others,
// and so do many of them together. It goes on in place of what is idle.
func TestNobodyTakesTheLastPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 1024
		b := newBench(t, Bounds{Most: most, PerClient: 128})
		flood := func(from string) (taken int) {
			for i := range most {
				name := fmt.Sprint(from, " ", i)
				if !b.connect(name, fmt.Sprintf("%s:%d", from, i+1)) {
					t.Fatalf("%s waits", name)
				}
				if !b.all[name].closed.Load() {
					b.is(http.StateActive, name)
					taken++
				}
			}
			return taken
		}
		if taken := flood("127.0.0.1"); taken != most*3/4 {
			t.Errorf("one client has %d", taken)
		}
		for i, from := range []string{"127.0.0.2", "10.0.0.1", "fd00::1"} {
			if i == 2 {
				from = "[" + from + "]"
			}
			name := "first of " + from
			if !b.connect(name, from+":9999") || b.all[name].closed.Load() || !b.took(name) {
				t.Fatalf("%s is kept out", from)
			}
			b.is(http.StateActive, name)
			if taken := flood(from); taken > 3*most>>(2*(i+2)) {
				t.Errorf("%s has %d more", from, taken)
			}
		}
		if free := b.listener.free(); free != 4 {
			t.Errorf("%d are left", free)
		}
		b.is(http.StateIdle, "127.0.0.1 0", "127.0.0.1 1")
		b.connect("more", "127.0.0.1:5000")
		if !b.all["127.0.0.1 0"].closed.Load() || b.all["127.0.0.1 1"].closed.Load() || !b.took("more") || b.listener.free() != 4 {
			t.Error("it does not go on in place of what is idle")
		}
	})
}

// A proxy that stands for many has three quarters of the places even among others that hold many and ask nothing.
func TestIdleOnesAreNoMatchForAProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 64
		b := newBench(t, Bounds{Most: most, PerClient: 8})
		for client := range 2 * most {
			b.connect(fmt.Sprint("idle ", client), fmt.Sprintf("8.8.8.%d:1", client+1))
		}
		for i := range most * 3 / 4 {
			name := fmt.Sprint("proxy ", i)
			b.connect(name, fmt.Sprintf("10.0.0.1:%d", i+1))
			b.is(http.StateActive, name)
			if b.all[name].closed.Load() || !b.took(name) {
				t.Fatalf("%s is kept out", name)
			}
		}
	})
}
