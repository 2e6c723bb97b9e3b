package wire

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// attemptDelay is how long an attempt to connect has to itself before the next address is tried beside it: the Connection
// Attempt Delay that RFC 8305 recommends.
const attemptDelay = 250 * time.Millisecond

// interleave orders addresses as RFC 8305 does: the families take turns, IPv6 first, each in the order that it came in.
func interleave(addresses []netip.AddrPort) []netip.AddrPort {
	var six, four []netip.AddrPort
	for _, address := range addresses {
		if address.Addr().Is4() {
			four = append(four, address)
		} else {
			six = append(six, address)
		}
	}
	ordered := addresses[:0:0]
	for len(six) > 0 && len(four) > 0 {
		ordered = append(ordered, six[0], four[0])
		six, four = six[1:], four[1:]
	}
	return append(append(ordered, six...), four...)
}

// attempt is one connection made, or not.
type attempt struct {
	socket net.Conn
	err    error
}

// connect races the addresses and keeps the first connection (RFC 8305, section 5). The next address is tried when an
// attempt fails, and otherwise after attemptDelay, or sooner where the deadline is near, so that each address has a share
// of the time. Connect returns when all attempts have ended; those that lost are cancelled, and closed.
//
// Of several failures the servicer's own tells more than ours, such as a lack of IPv6 here; of the servicer's, the last.
func (d *Dialer) connect(ctx context.Context, addresses []netip.AddrPort) (net.Conn, error) {
	if len(addresses) == 1 { // runs alone
		socket, err := d.dialAddress(ctx, addresses[0])
		if err != nil {
			return nil, dialFailure(ctx, types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_CONNECT, err)
		}
		return socket, nil
	}
	racing, cancel := context.WithCancel(ctx)
	results := make(chan attempt, len(addresses))
	var attempts sync.WaitGroup
	defer func() {
		cancel()
		attempts.Wait()
		close(results)
		for lost := range results {
			if lost.err == nil {
				lost.socket.Close()
			}
		}
	}()
	waiting, running := addresses, 0
	next := time.NewTimer(attemptDelay)
	defer next.Stop()
	start := func() {
		if len(waiting) == 0 {
			return
		}
		address := waiting[0]
		waiting = waiting[1:]
		running++
		attempts.Go(func() {
			socket, err := d.dialAddress(racing, address)
			results <- attempt{socket, err}
		})
		next.Reset(turn(ctx, len(waiting)))
	}
	var told *Failure
	for start(); running > 0; start() {
		select {
		case <-next.C:
		case ended := <-results:
			running--
			if ended.err == nil {
				return ended.socket, nil
			}
			failure := dialFailure(ctx, types.Outcome_OUTCOME_CONNECT, types.Attempt_ATTEMPT_CONNECT, ended.err)
			if told == nil || failure.Blame == types.Blame_BLAME_SERVICER || errors.Is(ctx.Err(), context.Canceled) {
				told = failure
			}
		}
	}
	return nil, told
}

// turn returns how long to wait before the next of the addresses that are left is tried.
func turn(ctx context.Context, left int) time.Duration {
	deadline, has := ctx.Deadline()
	if !has {
		return attemptDelay
	}
	return min(attemptDelay, time.Until(deadline)/time.Duration(left+1))
}

func (d *Dialer) dialAddress(ctx context.Context, address netip.AddrPort) (net.Conn, error) {
	if d.dial != nil {
		return d.dial(ctx, address)
	}
	var dialer net.Dialer
	return dialer.DialContext(ctx, "tcp", address.String())
}
