package fakes

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// patience is how long the Await functions wait.
const patience = 10 * time.Second

// Servicer is a servicer with a fault, on loopback, for as long as its test.
type Servicer struct {
	fault  Fault
	key    crypto.PrivateKey
	url    string
	secure *tls.Config
	roots  *x509.CertPool
	// distance is how long every request takes, whatever the fault.
	distance time.Duration

	// ended is closed with the test; handlers are the accept loop and the open connections.
	ended    chan struct{}
	handlers sync.WaitGroup

	mu       sync.Mutex
	changed  *sync.Cond
	open     map[net.Conn]bool
	accepted int
	requests int
}

// Start starts a servicer that is reached by http. It ends with the test.
func Start(t testing.TB, fault Fault) *Servicer {
	t.Helper()
	return start(t, fault, nil)
}

// StartTLS starts a servicer that is reached by https, with a configuration of its own or, when that is nil, with
// httptest's certificate for 127.0.0.1, which Roots verify.
func StartTLS(t testing.TB, fault Fault, secure *tls.Config) *Servicer {
	t.Helper()
	if secure != nil {
		return start(t, fault, secure)
	}
	loan := httptest.NewTLSServer(nil)
	defer loan.Close()
	s := start(t, fault, &tls.Config{Certificates: loan.TLS.Certificates})
	s.roots = x509.NewCertPool()
	s.roots.AddCert(loan.Certificate())
	return s
}

func start(t testing.TB, fault Fault, secure *tls.Config) *Servicer {
	t.Helper()
	s := newServicer(fault)
	s.secure = secure
	scheme := "http://"
	if secure != nil || fault.mute {
		scheme = "https://"
	}
	if fault.down {
		s.settle(scheme, reserve(t))
		return s
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("start fake servicer: %v", err)
	}
	s.settle(scheme, listener.Addr().String()) // before anybody can come
	s.handlers.Go(func() { s.accept(listener) })
	t.Cleanup(func() {
		listener.Close()
		s.end()
	})
	return s
}

func newServicer(fault Fault) *Servicer {
	s := &Servicer{fault: fault, ended: make(chan struct{}), open: make(map[net.Conn]bool)}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// settle gives the servicer its URL, and the key that follows from its address.
func (s *Servicer) settle(scheme, address string) {
	s.url = scheme + address
	s.key = crypto.KeyFromSeed(sha256.Sum256([]byte("fake servicer at " + address)))
}

// Actor is the servicer as it would be staked, for relay chain 0001 in the zone "local".
func (s *Servicer) Actor() *types.Actor {
	return &types.Actor{
		Type:       types.ActorType_ACTOR_TYPE_SERVICER,
		Address:    s.key.Address(),
		PublicKey:  s.key.PublicKeyHex(),
		Chains:     []string{"0001"},
		GeoZone:    "local",
		ServiceUrl: s.url,
		StakeUpokt: 15_000_000_000,
	}
}

// Address of the servicer.
func (s *Servicer) Address() string { return s.key.Address() }

// URL that the servicer is reached at.
func (s *Servicer) URL() string { return s.url }

// Roots verify the certificate of a servicer that StartTLS gave one.
func (s *Servicer) Roots() *x509.CertPool { return s.roots }

// Accepted is how many connections were accepted so far.
func (s *Servicer) Accepted() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.accepted
}

// Requests is how many requests were read so far.
func (s *Servicer) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Open is how many connections the servicer has not closed. It learns of the far side's closing where it reads.
func (s *Servicer) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// AwaitOpen waits until so many connections are open; the test fails when that takes too long.
func (s *Servicer) AwaitOpen(t testing.TB, connections int) {
	t.Helper()
	s.await(t, func() bool { return len(s.open) == connections })
}

// AwaitAccepted waits until at least so many connections were accepted.
func (s *Servicer) AwaitAccepted(t testing.TB, connections int) {
	t.Helper()
	s.await(t, func() bool { return s.accepted >= connections })
}

// AwaitRequests waits until at least so many requests were read.
func (s *Servicer) AwaitRequests(t testing.TB, requests int) {
	t.Helper()
	s.await(t, func() bool { return s.requests >= requests })
}

func (s *Servicer) await(t testing.TB, reached func() bool) {
	t.Helper()
	late := false
	timer := time.AfterFunc(patience, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.changed.Broadcast()
	})
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !reached() {
		if late {
			t.Fatalf("fake servicer: waited in vain; %d connections accepted, %d open, %d requests", s.accepted, len(s.open), s.requests)
		}
		s.changed.Wait()
	}
}

// HangUp closes every open connection, as a servicer does that restarts.
func (s *Servicer) HangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.open {
		conn.Close()
	}
}

func (s *Servicer) end() {
	close(s.ended)
	s.HangUp()
	s.handlers.Wait()
}

func (s *Servicer) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		if s.enter(conn) {
			s.handlers.Go(func() {
				defer s.leave(conn)
				s.handle(conn)
			})
		}
	}
}

// enter notes a new connection, unless the servicer has ended.
func (s *Servicer) enter(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.ended:
		conn.Close()
		return false
	default:
	}
	s.open[conn] = true
	s.accepted++
	s.changed.Broadcast()
	return true
}

func (s *Servicer) leave(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, conn)
	s.changed.Broadcast()
}
