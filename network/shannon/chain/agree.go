package chain

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"google.golang.org/protobuf/proto"
)

// Sentinels of state that several endpoints have to agree on.
var (
	// ErrDisputed is returned when endpoints say different things about one height, and no two the same.
	ErrDisputed = errors.New("the nodes do not agree")
	// ErrUnconfirmed is returned when only one of several endpoints says something.
	ErrUnconfirmed = errors.New("only one node says so, and two have to")
)

// said is what an endpoint says: an answer, or the chain's refusal of one.
type said struct {
	endpoint *endpoint
	answer   proto.Message
	refused  error
}

// same reports whether two endpoints say the same. What a refusal says for people does not count.
func (s *said) same(other *said) bool {
	if s.refused != nil || other.refused != nil {
		return s.refused != nil && other.refused != nil && errors.Is(s.refused, ErrNotFound) == errors.Is(other.refused, ErrNotFound)
	}
	return proto.Equal(s.answer, other.answer)
}

// agreed asks all endpoints for the state at a height, and puts what two of them say into an answer; it does not wait for
// more. Errors: ErrDisputed, ErrUnconfirmed, and those of Query.
func (c *Client) agreed(ctx context.Context, path string, data []byte, height int64, answer proto.Message) error {
	type outcome struct {
		said said
		err  error
	}
	outcomes := make(chan outcome, len(c.endpoints))
	asking, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for i, e := range c.endpoints {
		running.Go(func() {
			read := answer.ProtoReflect().New().Interface()
			value, err := c.query(asking, i, path, data, height)
			switch {
			case err == nil && (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(value, read) != nil:
				err = fmt.Errorf("%w: the answer to %s", ErrMalformed, path)
			case errors.Is(err, ErrNotFound), errors.Is(err, ErrRefused):
				outcomes <- outcome{said: said{endpoint: e, refused: e.named(err)}}
				return
			}
			if err != nil {
				err = e.named(err)
			}
			outcomes <- outcome{said{endpoint: e, answer: read}, err}
		})
	}
	var heard []said
	var failures []error
	for range c.endpoints {
		one := <-outcomes
		if one.err != nil {
			failures = append(failures, one.err)
			continue
		}
		for i := range heard {
			if heard[i].same(&one.said) {
				if one.said.refused == nil {
					proto.Merge(answer, one.said.answer)
				}
				return one.said.refused
			}
		}
		heard = append(heard, one.said)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case len(heard) > 1:
		return fmt.Errorf("%w: RPC endpoints %d and %d, about %s at height %d", ErrDisputed, heard[0].endpoint.number, heard[1].endpoint.number, path, height)
	case len(heard) == 1:
		return Join(append([]error{fmt.Errorf("RPC endpoint %d: %w", heard[0].endpoint.number, ErrUnconfirmed)}, failures...)...)
	}
	return Join(failures...)
}
