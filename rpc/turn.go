package rpc

import (
	"context"
	"net/http"
	"sync"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// mostReads bounds the requests that read stored samples or relays, and encode what they read, at once, each of which may
// take some megabytes. Others wait for their turn, as long as an answer may take.
const mostReads = 4

// mostHistories is the same for answers over time, which take some tens of megabytes.
const mostHistories = 1

// mostWaiting returns how many of a number of connections may have a request with a turn, or one that waits for it. The others
// are for requests that need none: a crowd that reads keeps nobody from asking for health and metrics.
func mostWaiting(connections int) int {
	return max(mostReads+1, connections-(connections+7)/8)
}

// errCrowded is returned when as many requests as may wait for their turn do.
var errCrowded = &refusal{http.StatusServiceUnavailable, api.ErrorCodeBusy, "too many requests wait to read what is stored; try again shortly"}

// inTurn lets an endpoint answer when there is a place for it. The answer is encoded in its turn too.
func (s *Server) inTurn(answer func(context.Context, query) (any, error)) func(context.Context, query) (any, error) {
	return s.inTurnOf(s.reading, answer)
}

// inTurnOf is inTurn with places of its own.
func (s *Server) inTurnOf(places chan struct{}, answer func(context.Context, query) (any, error)) func(context.Context, query) (any, error) {
	return func(ctx context.Context, parameters query) (any, error) {
		select {
		case s.waiting <- struct{}{}:
			defer func() { <-s.waiting }()
		default:
			if s.waiting != nil {
				return nil, errCrowded
			}
		}
		var body any
		err := takeTurn(ctx, places, func() (err error) {
			if body, err = answer(ctx, parameters); err == nil {
				body, err = contentFrom(body)
			}
			return err
		})
		return body, err
	}
}

// takeTurn reads when there is a place for it.
func takeTurn(ctx context.Context, places chan struct{}, read func() error) error {
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
		return read()
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	// mostUnwritten bounds the finished answers that clients have not taken yet, in bytes.
	mostUnwritten = 32 << 20
	// freeUnwritten is how large an answer may be to be written in any case.
	freeUnwritten = 64 << 10
)

// errUnwritten is returned when too much waits to be taken for another large answer to wait too.
var errUnwritten = &refusal{http.StatusServiceUnavailable, api.ErrorCodeBusy,
	"other clients are slow to take their large answers; ask for less, or try again shortly"}

// outbox bounds what is finished and not written. Clients that read nothing cannot fill the memory with it.
type outbox struct {
	mu sync.Mutex
	// waiting bytes.
	waiting int
}

// put takes room for an answer in bytes, which the returned function gives back. One alone always finds some. Errors:
// errUnwritten.
func (o *outbox) put(bytes int) (leave func(), err error) {
	if bytes <= freeUnwritten {
		return func() {}, nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting > 0 && o.waiting+bytes > mostUnwritten {
		return nil, errUnwritten
	}
	o.waiting += bytes
	return sync.OnceFunc(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.waiting -= bytes
	}), nil
}
