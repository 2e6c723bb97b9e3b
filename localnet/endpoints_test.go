package localnet

import (
	"errors"
	"net"
	"strings"
	"testing"
)

func TestEndpointsOpenAndReopen(t *testing.T) {
	o, err := DefaultOptions().Fit()
	if err != nil {
		t.Fatal(err)
	}
	o.RPCListen = "localhost:0"
	first, got, err := openEndpoints(t.Context(), freeAddresses(o))
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if err := got.validate(o); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got.RPC, "localhost:") {
		t.Errorf("RPC is at %s, want the host as it was given", got.RPC)
	}
	_, _, err = openEndpoints(t.Context(), got)
	if !errors.Is(err, ErrAddressInUse) || !strings.Contains(err.Error(), got.RPC) {
		t.Errorf("opened twice: %v, want ErrAddressInUse with %s", err, got.RPC)
	}
	first.Close()
	second, again, err := openEndpoints(t.Context(), got)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if again.ChainRPC != got.ChainRPC || again.Servicers[5] != got.Servicers[5] {
		t.Errorf("reopened at %+v, want %+v", again, got)
	}
}

func TestOccupiedAddressClosesTheOthers(t *testing.T) {
	o, err := DefaultOptions().Fit()
	if err != nil {
		t.Fatal(err)
	}
	o.RPCListen = anyPort
	opened, at, err := openEndpoints(t.Context(), freeAddresses(o))
	if err != nil {
		t.Fatal(err)
	}
	opened.Close()
	for name, occupied := range map[string]string{
		"chain RPC": at.ChainRPC, "honest": at.Servicers[0].Service, "delayed": at.Servicers[3].Delayed,
		"down": at.Servicers[4].Service, "upstream": at.Servicers[5].Upstream,
	} {
		squatter, err := net.Listen("tcp", occupied)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = openEndpoints(t.Context(), at)
		if !errors.Is(err, ErrAddressInUse) || !strings.Contains(err.Error(), occupied) {
			t.Errorf("%s: %v, want ErrAddressInUse with %s", name, err, occupied)
		}
		squatter.Close()
		free, _, err := openEndpoints(t.Context(), at)
		if err != nil {
			t.Fatalf("%s: something stayed open: %v", name, err)
		}
		free.Close()
	}
}
