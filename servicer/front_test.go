package servicer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pocket-fisherman/fisherman/inbound"
)

// pipes is a listener of connections within the process.
type pipes struct {
	given  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.given:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return new(net.TCPAddr) }

// running is a front that answers by a function. It lives in a bubble of testing/synctest.
type running struct {
	*front
	pipes  *pipes
	cancel context.CancelFunc
	served chan error
}

func runFront(t *testing.T, handle func(ctx context.Context, envelope []byte) ([]byte, bool)) *running {
	t.Helper()
	s := &Servicer{config: DefaultConfig()}
	made := &running{pipes: &pipes{given: make(chan net.Conn), closed: make(chan struct{})}, served: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	made.cancel = cancel
	made.front = s.newFront(ctx, inbound.Listen(made.pipes, inbound.Bounds{Most: 10}))
	made.handle = handle
	go func() { made.served <- made.serve(ctx) }()
	t.Cleanup(func() { _ = made.end() })
	return made
}

// end stops the front as Serve does.
func (r *running) end() error {
	r.cancel()
	err := r.stop(r.served)
	r.served <- net.ErrClosed // for another end
	return err
}

func (r *running) connect() net.Conn {
	near, far := net.Pipe()
	r.pipes.given <- far
	return near
}

func echo(_ context.Context, envelope []byte) ([]byte, bool) { return bytes.Clone(envelope), true }

// The time that a client has: for the header from connecting or from a request's first byte, for the whole request, between
// requests, and for taking an answer.
func TestTimesOfClients(t *testing.T) {
	for _, test := range []struct {
		name string
		// said is what the client says, with pauses in seconds.
		said  []any
		takes bool
		want  string
		after time.Duration
	}{
		{"nothing", nil, true, "", 15 * time.Second},
		{"half a header", []any{plainRequest[:30]}, true, "", 15 * time.Second},
		{"a header in drops", []any{"P", 5, "O", 5, "S", 4, "T"}, true, "", 15 * time.Second},
		{"a header too late", []any{10, plainRequest[:30], 10, plainRequest[30:]}, true, "", 15 * time.Second},
		{"no body", []any{plainRequest}, true, "400", 20 * time.Second},
		{"a body in drops", []any{plainRequest, 5, "h", 5, "e", 5, "l"}, true, "400", 20 * time.Second},
		{"a late header, no body", []any{14, plainRequest}, true, "400", 20 * time.Second},
		{"what is not plain, late", []any{requestLine, 14, "Connection: close\r\n", 5, "X"}, true, "400", 20 * time.Second},
		{"no further request", []any{plainRequest + "hello"}, true, "200", 2 * time.Minute},
		{"half a further header", []any{plainRequest + "hello", 60, plainRequest[:30]}, true, "200", 75 * time.Second},
		{"empty lines without end", []any{plainRequest + "hello", 60, "\r\n", 5, "\r\n", 5, "\r\n"}, true, "200 400", 65 * time.Second},
		{"no further body", []any{plainRequest + "hello", 60, plainRequest}, true, "200 400", 80 * time.Second},
		{"an answer that is not taken", []any{5, plainRequest + "hello"}, false, "", 5*time.Second + 27500*time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				front := runFront(t, echo)
				client := front.connect()
				began, answers, ended := time.Now(), make(chan string, 1), make(chan time.Duration, 1)
				listen := func() {
					var answered strings.Builder
					if test.takes {
						_, _ = io.Copy(&answered, client)
					} else {
						_, _ = io.WriteString(client, "x") // until it is closed
					}
					ended <- time.Since(began)
					answers <- answered.String()
				}
				if test.takes {
					go listen()
				}
				for _, said := range test.said {
					switch said := said.(type) {
					case int:
						time.Sleep(time.Duration(said) * time.Second)
					case string:
						_, _ = io.WriteString(client, said)
					}
				}
				if !test.takes {
					listen()
				}
				var statuses []string
				for _, answer := range strings.Split(<-answers, "HTTP/1.1 ")[1:] {
					statuses = append(statuses, answer[:3])
				}
				if got, after := strings.Join(statuses, " "), <-ended; got != test.want || after != test.after {
					t.Errorf("%q, closed after %v; want %q, %v", got, after, test.want, test.after)
				}
			})
		})
	}
}

// A client that leaves has its relay cancelled, at once or after a while; one that stays or sends its next request has not.
func TestClientsThatLeave(t *testing.T) {
	for _, leaves := range []time.Duration{0, time.Millisecond, watchAfter, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			cancelled := make(chan time.Time, 1)
			front := runFront(t, func(ctx context.Context, _ []byte) ([]byte, bool) {
				<-ctx.Done()
				cancelled <- time.Now()
				return nil, true
			})
			client, began := front.connect(), time.Now()
			_, _ = io.WriteString(client, plainRequest+"hello")
			time.Sleep(leaves)
			_ = client.Close()
			if after := (<-cancelled).Sub(began); after != max(leaves, watchAfter) {
				t.Errorf("cancelled after %v, having left after %v", after, leaves)
			}
		})
	}
}

func TestClientsThatStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		front := runFront(t, func(ctx context.Context, envelope []byte) ([]byte, bool) {
			select {
			case <-ctx.Done():
				return nil, true
			case <-time.After(time.Second):
				return bytes.Clone(envelope), true
			}
		})
		client := front.connect()
		reader := bufio.NewReader(client)
		for _, ahead := range []time.Duration{0, watchAfter, time.Second - 1, time.Second, 2 * time.Second} {
			go func() {
				_, _ = io.WriteString(client, plainRequest+"first")
				time.Sleep(ahead)
				_, _ = io.WriteString(client, plainRequest+"other")
			}()
			for _, want := range []string{"first", "other"} {
				response, err := http.ReadResponse(reader, nil)
				if err != nil {
					t.Fatal(err)
				}
				if body, err := io.ReadAll(response.Body); string(body) != want || err != nil || response.Close {
					t.Errorf("the next request %v later: answer %q, error %v, closing %t", ahead, body, err, response.Close)
				}
			}
		}
	})
}

// When a front stops, connections that wait are closed at once. What has begun is answered, and then closed.
func TestStopOfFront(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		front := runFront(t, func(ctx context.Context, envelope []byte) ([]byte, bool) {
			<-ctx.Done()
			return bytes.Clone(envelope), true
		})
		waiting, asking, half := front.connect(), front.connect(), front.connect()
		_, _ = io.WriteString(asking, plainRequest+"hello")
		_, _ = io.WriteString(half, plainRequest[:30])
		synctest.Wait()
		ends := make(chan time.Duration, 3)
		began := time.Now()
		for _, client := range []net.Conn{waiting, half} {
			go func() { _, _ = io.Copy(io.Discard, client); ends <- time.Since(began) }()
		}
		answered := make(chan string, 1)
		go func() { all, _ := io.ReadAll(asking); answered <- string(all) }()
		if err := front.end(); err != nil {
			t.Error(err)
		}
		if first, last := <-ends, <-ends; first != 0 || last != shutdownGrace {
			t.Errorf("closed after %v and %v", first, last)
		}
		if all := <-answered; !strings.HasPrefix(all, "HTTP/1.1 200 OK\r\nConnection: close\r\n") || !strings.HasSuffix(all, "hello") {
			t.Errorf("answered %q", all)
		}
	})
}

// A relay that does not end with its context is not waited for without end.
func TestStopOfFrontThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		front := runFront(t, func(context.Context, []byte) ([]byte, bool) { <-hang; return nil, true })
		_, _ = io.WriteString(front.connect(), plainRequest+"hello")
		began := time.Now()
		if err := front.end(); err == nil || time.Since(began) != shutdownGrace+shutdownDrain {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		close(hang)
		synctest.Wait()
	})
}

// What goes wrong with one connection does not end the others.
func TestFrontOutlivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		front := runFront(t, func(_ context.Context, envelope []byte) ([]byte, bool) {
			if string(envelope) == "panic" {
				panic("as the test wants it")
			}
			return bytes.Clone(envelope), true
		})
		for _, body := range []string{"panic", "hello"} {
			client := front.connect()
			_, _ = io.WriteString(client, plainRequest+body)
			response, err := http.ReadResponse(bufio.NewReader(client), nil)
			if (err == nil) != (body == "hello") {
				t.Errorf("%s: %v, %v", body, response, err)
			}
		}
	})
}

// refusing is a listener that fails a number of times in a way that passes.
type refusing struct {
	*pipes
	times int
}

func (r *refusing) Accept() (net.Conn, error) {
	if r.times--; r.times >= 0 {
		return nil, passing{}
	}
	return r.pipes.Accept()
}

// passing is an error as that of a process without free descriptors.
type passing struct{}

func (passing) Error() string   { return "too many open files" }
func (passing) Timeout() bool   { return false }
func (passing) Temporary() bool { return true }

// Errors of accepting that pass are waited out, a little longer each time.
func TestFrontWaitsForDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Servicer{config: DefaultConfig()}
		below := &refusing{pipes: &pipes{given: make(chan net.Conn), closed: make(chan struct{})}, times: 4}
		ctx, cancel := context.WithCancel(context.Background())
		front := s.newFront(ctx, inbound.Listen(below, inbound.Bounds{Most: 1}))
		front.handle = echo
		served, began := make(chan error, 1), time.Now()
		go func() { served <- front.serve(ctx) }()
		near, far := net.Pipe()
		below.given <- far
		if after := time.Since(began); after != 75*time.Millisecond {
			t.Errorf("accepted after %v", after)
		}
		_ = near.Close()
		cancel()
		if err := front.stop(served); err != nil {
			t.Error(err)
		}
		below.times, below.pipes = 1<<30, &pipes{given: below.given, closed: make(chan struct{})}
		if err := s.newFront(ctx, inbound.Listen(below, inbound.Bounds{Most: 1})).serve(ctx); !errors.Is(err, passing{}) {
			t.Errorf("got %v", err)
		}
	})
}
