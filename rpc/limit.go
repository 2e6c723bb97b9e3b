package rpc

import (
	"net"
	"sync"
)

// limitListener admits a bounded number of open connections; further ones wait in the system's backlog.
type limitListener struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	once   sync.Once
}

func limitConnections(listener net.Listener, most int) *limitListener {
	return &limitListener{Listener: listener, places: make(chan struct{}, most), closed: make(chan struct{})}
}

// Accept waits for a free place, then for a connection.
func (l *limitListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &placedConn{Conn: conn, release: sync.OnceFunc(func() { <-l.places })}, nil
}

// Close ends every Accept, the waiting ones included.
func (l *limitListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// placedConn gives its place back when it is closed.
type placedConn struct {
	net.Conn
	release func()
}

func (c *placedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
