package rpc

import "context"

// mostReads bounds the requests that read stored samples or relays at once, each of which may take some megabytes. Others
// wait for their turn, as long as an answer may take.
const mostReads = 4

// inTurn lets an endpoint answer when there is a place for it.
func (s *Server) inTurn(answer func(context.Context, query) (any, error)) func(context.Context, query) (any, error) {
	return func(ctx context.Context, parameters query) (any, error) {
		select {
		case s.reading <- struct{}{}:
			defer func() { <-s.reading }()
			return answer(ctx, parameters)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
