package localnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/pocket-fisherman/fisherman/localnet/port"
)

// endpoints are the open sockets of a LocalNet.
type endpoints struct {
	rpc, chainRPC net.Listener
	// ethereum reserves geth's port; nil without geth.
	ethereum  net.Listener
	servicers []servicerEndpoints
}

// servicerEndpoints are the open sockets of one servicer; those that its fault does not need are nil.
type servicerEndpoints struct {
	// service accepts connections at the service URL.
	service net.Listener
	// refusal refuses connections at the service URL.
	refusal *refusal
	// delayed is where a slow servicer listens.
	delayed net.Listener
	// upstream is the node of a servicer that is lying or behind.
	upstream net.Listener
	// ethereumUpstream is the same for relay chain 0021.
	ethereumUpstream net.Listener
}

// openEndpoints opens every socket at its address, and returns the addresses with their actual ports. If one cannot be
// opened, those opened so far are closed; if an address is in use, the error is ErrAddressInUse.
func openEndpoints(ctx context.Context, wanted addresses) (_ *endpoints, _ addresses, err error) {
	e := &endpoints{servicers: make([]servicerEndpoints, len(wanted.Servicers))}
	defer func() {
		if err != nil {
			e.Close()
		}
	}()
	got := wanted
	got.Servicers = append([]servicerAddresses(nil), wanted.Servicers...)
	if e.rpc, err = listen(ctx, &got.RPC); err != nil {
		return nil, addresses{}, fmt.Errorf("%w, for the node API", err)
	}
	if e.chainRPC, err = listen(ctx, &got.ChainRPC); err != nil {
		return nil, addresses{}, fmt.Errorf("%w, for the chain RPC", err)
	}
	if got.Ethereum != "" {
		if e.ethereum, err = listen(ctx, &got.Ethereum); err != nil {
			return nil, addresses{}, fmt.Errorf("%w, for the Ethereum node", err)
		}
	}
	for i := range got.Servicers {
		if err = e.servicers[i].open(ctx, &got.Servicers[i]); err != nil {
			return nil, addresses{}, fmt.Errorf("%w, for servicer %d", err, i)
		}
	}
	return e, got, nil
}

func (s *servicerEndpoints) open(ctx context.Context, at *servicerAddresses) (err error) {
	if at.Fault == FaultDown {
		if s.refusal, err = refuse(at.Service); err != nil {
			return notListening(at.Service, err)
		}
		at.Service = s.refusal.Address()
		return nil
	}
	if s.service, err = listen(ctx, &at.Service); err != nil {
		return err
	}
	if at.Delayed != "" {
		if s.delayed, err = listen(ctx, &at.Delayed); err != nil {
			return err
		}
	}
	if at.Upstream != "" {
		if s.upstream, err = listen(ctx, &at.Upstream); err != nil {
			return err
		}
	}
	if at.EthereumUpstream != "" {
		if s.ethereumUpstream, err = listen(ctx, &at.EthereumUpstream); err != nil {
			return err
		}
	}
	return nil
}

// Close closes every open socket. The server of a listener may have closed it before.
func (e *endpoints) Close() {
	listeners := []net.Listener{e.rpc, e.chainRPC, e.ethereum}
	for _, s := range e.servicers {
		listeners = append(listeners, s.service, s.delayed, s.upstream, s.ethereumUpstream)
		if s.refusal != nil {
			s.refusal.Close()
		}
	}
	for _, listener := range listeners {
		if listener != nil {
			listener.Close()
		}
	}
}

// listen opens a listener and replaces the wanted port by the actual one.
func listen(ctx context.Context, address *string) (net.Listener, error) {
	listener, err := port.Listen(ctx, *address)
	if err != nil {
		return nil, notListening(*address, err)
	}
	// The host is kept as written, so that the same option compares equal in the next run.
	host, _, hostErr := net.SplitHostPort(*address)
	_, actual, portErr := net.SplitHostPort(listener.Addr().String())
	if err := cmp.Or(hostErr, portErr); err != nil {
		listener.Close()
		return nil, notListening(*address, err)
	}
	*address = net.JoinHostPort(host, actual)
	return listener, nil
}

// notListening returns the error of a failed listen: ErrAddressInUse if the address is taken.
func notListening(address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w: %s", ErrAddressInUse, address)
	}
	return fmt.Errorf("listen on %s: %w", address, err)
}
