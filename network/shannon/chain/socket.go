package chain

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
)

const (
	// pingEvery is how often a sign of life is asked for, and mostSilent how long there may be none.
	pingEvery  = 20 * time.Second
	mostSilent = 60 * time.Second
)

// subscription asks for the headers of new blocks.
var subscription = requestOf("subscribe", map[string]string{"query": "tm.event='NewBlockHeader'"})

// listen takes the headers of new blocks from the endpoint's WebSocket until that breaks or the context ends.
func (e *endpoint) listen(ctx context.Context, roots *tls.Config, heard func(chain string, said claim) error) error {
	dialer := websocket.Dialer{HandshakeTimeout: e.timeout, TLSClientConfig: roots}
	limited, cancel := context.WithTimeout(ctx, e.timeout)
	defer cancel()
	conn, response, err := dialer.DialContext(limited, e.socket, e.header())
	if err != nil {
		if response != nil {
			return fmt.Errorf("%w: HTTP status %d for a WebSocket", ErrUnreachable, response.StatusCode)
		}
		return unreachable(err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	conn.SetReadLimit(mostAnswer)
	alive := func(string) error { return conn.SetReadDeadline(time.Now().Add(mostSilent)) }
	conn.SetPongHandler(alive)
	defer e.ping(conn)()
	if err := errors.Join(alive(""), conn.SetWriteDeadline(time.Now().Add(e.timeout)), conn.WriteJSON(subscription)); err != nil {
		return unreachable(err)
	}
	defer e.connect(nil)
	for {
		_, answer, err := conn.ReadMessage()
		if err != nil {
			return unreachable(err)
		}
		if err := alive(""); err != nil {
			return unreachable(err)
		}
		result, err := resultOf(answer)
		if err != nil {
			return err
		}
		chain, said, is, err := readEvent(result)
		if err != nil {
			return err
		}
		e.connect(conn)
		if is {
			e.hear(said.height)
			if err := heard(chain, said); err != nil {
				return err
			}
		}
	}
}

// ping asks for signs of life until the returned function is called.
func (e *endpoint) ping(conn *websocket.Conn) (end func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(pingEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(e.timeout)) != nil {
					return
				}
			case <-stop:
				return
			}
		}
	}()
	return func() {
		close(stop)
		conn.Close()
		<-done
	}
}

// readEvent reads the result of a subscription: the header of a new block, or, at first, nothing.
func readEvent(result []byte) (chain string, said claim, is bool, err error) {
	var read struct {
		Data *struct {
			Value struct {
				Header struct {
					Chain  string    `json:"chain_id"`
					Height int64     `json:"height,string"`
					Time   time.Time `json:"time"`
				} `json:"header"`
			} `json:"value"`
		} `json:"data"`
	}
	if err := json.Unmarshal(result, &read); err != nil {
		return "", claim{}, false, fmt.Errorf("%w: an event", ErrMalformed)
	}
	if read.Data == nil {
		return "", claim{}, false, nil
	}
	header := read.Data.Value.Header
	if chain, err = chainID(header.Chain); err != nil {
		return "", claim{}, false, err
	}
	if header.Height <= 0 {
		return "", claim{}, false, fmt.Errorf("%w: a block of height %d", ErrMalformed, header.Height)
	}
	return chain, claim{height: header.Height, time: header.Time}, true, nil
}

// newTransport returns what requests go over: nothing of the environment's, and TLS as configured.
func newTransport(roots *tls.Config) *http.Transport {
	return &http.Transport{TLSClientConfig: roots, MaxIdleConnsPerHost: 4, IdleConnTimeout: 90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true}
}
