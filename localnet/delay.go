package localnet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/pause"
)

const (
	// delayLinks is the maximum number of connections of a delay proxy; further ones wait to be accepted. It equals the
	// maximum of the servicer behind it, so that the proxy adds no fault other than its delay.
	delayLinks = 1024
	// delayChunk is the maximum number of bytes that are delayed as one chunk.
	delayChunk = 16 << 10
	// delayQueue is the maximum number of delayed chunks in one direction of a connection; further bytes wait at the
	// sender.
	delayQueue = 128
	// delayDialTimeout bounds the dialling of the target.
	delayDialTimeout = 5 * time.Second
	// acceptPause is the wait after an Accept that failed because there were no file descriptors.
	acceptPause = 10 * time.Millisecond
)

// delayProxy is a TCP proxy that adds a fixed delay to every round trip, half in each direction. Chunks are delayed
// individually and in order, so that a stream is delayed but not slowed down.
type delayProxy struct {
	listener net.Listener
	// target is the host:port behind the proxy.
	target string
	delay  time.Duration
	logger *slog.Logger
}

// ServeDelayed forwards connections to the target, a host:port, and adds the delay to every round trip. It returns when
// ctx has ended (nil) or the listener fails, with all connections closed.
func ServeDelayed(ctx context.Context, listener net.Listener, target string, delay time.Duration) error {
	proxy := &delayProxy{listener: listener, target: target, delay: delay, logger: slog.New(slog.DiscardHandler)}
	return proxy.Serve(ctx)
}

// Serve forwards connections until ctx ends (nil) or the listener fails. It closes the listener, and returns when all
// connections are closed.
func (p *delayProxy) Serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var links sync.WaitGroup
	links.Go(func() {
		<-ctx.Done()
		p.listener.Close()
	})
	defer links.Wait()
	defer cancel()

	slots := make(chan struct{}, delayLinks)
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		client, err := p.accept(ctx)
		if err != nil {
			return err
		}
		if client == nil {
			return nil
		}
		links.Go(func() {
			defer func() { <-slots }()
			p.carry(ctx, client)
		})
	}
}

// accept returns the next connection, or nil when ctx has ended.
func (p *delayProxy) accept(ctx context.Context) (*net.TCPConn, error) {
	for {
		conn, err := p.listener.Accept()
		switch {
		case err == nil:
			return conn.(*net.TCPConn), nil
		case ctx.Err() != nil:
			return nil, nil
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ECONNABORTED):
			_ = pause.For(ctx, acceptPause)
		default:
			return nil, fmt.Errorf("accept at delay proxy: %w", err)
		}
	}
}

// carry forwards one connection until both directions have ended, one of them failed, or ctx ends.
func (p *delayProxy) carry(ctx context.Context, client *net.TCPConn) {
	dialer := net.Dialer{Timeout: delayDialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", p.target)
	if err != nil {
		p.logger.Debug("delay proxy cannot reach its target", "target", p.target, "error", err)
		reset(client)
		return
	}
	server := conn.(*net.TCPConn)
	ctx, breakOff := context.WithCancel(ctx)
	defer breakOff()

	forth, back := make(chan chunk, delayQueue), make(chan chunk, delayQueue)
	half := p.delay / 2
	var directions, guard sync.WaitGroup
	ended := make(chan struct{})
	directions.Go(func() { take(ctx, client, forth, half) })
	directions.Go(func() { take(ctx, server, back, p.delay-half) })
	directions.Go(func() {
		if give(ctx, server, forth, half) != nil {
			breakOff()
		}
	})
	directions.Go(func() {
		if give(ctx, client, back, p.delay-half) != nil {
			breakOff()
		}
	})
	guard.Go(func() {
		select {
		case <-ctx.Done():
			reset(client)
			reset(server)
		case <-ended:
		}
	})
	directions.Wait()
	close(ended)
	guard.Wait()
	client.Close()
	server.Close()
}

// chunk is a piece of a stream on its way.
type chunk struct {
	// due is when it arrives.
	due  time.Time
	data []byte
	// end is the reason why nothing follows: io.EOF or the stream's error; nil if more follows.
	end error
}

// take reads the stream into chunks that are due after the delay, including the end of the stream.
func take(ctx context.Context, from io.Reader, queue chan<- chunk, delay time.Duration) {
	buffer := make([]byte, delayChunk)
	for {
		n, err := from.Read(buffer)
		next := chunk{due: time.Now().Add(delay), data: append([]byte(nil), buffer[:n]...), end: err}
		select {
		case queue <- next:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// halfCloser is a stream whose writing side can be closed alone.
type halfCloser interface {
	io.Writer
	CloseWrite() error
}

// give writes chunks when they are due. It returns nil after it has passed on the end of the stream, and an error if
// the connection has to be reset: the stream failed, the receiver is gone, or ctx ended.
func give(ctx context.Context, to halfCloser, queue <-chan chunk, delay time.Duration) error {
	for {
		var next chunk
		select {
		case next = <-queue:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := pause.For(ctx, time.Until(next.due)); err != nil {
			return err
		}
		if len(next.data) > 0 {
			if _, err := to.Write(next.data); err != nil {
				// The receiver's end is delayed like everything else, so that what it sent before arrives first.
				_ = pause.For(ctx, delay)
				return err
			}
		}
		switch next.end {
		case nil:
		case io.EOF:
			return to.CloseWrite()
		default:
			return next.end
		}
	}
}

// reset closes a connection so that the peer sees a reset instead of an orderly close.
func reset(conn *net.TCPConn) {
	// If setting the option fails, the connection is already closed.
	_ = conn.SetLinger(0)
	conn.Close()
}
