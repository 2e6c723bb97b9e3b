package localnet

import (
	"errors"
	"net"
	"syscall"
	"testing"
)

func TestRefusalRefusesAndHoldsItsPort(t *testing.T) {
	r, err := refuse(anyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 3 {
		conn, err := net.Dial("tcp", r.Address())
		if err == nil {
			conn.Close()
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatalf("dial = %v, want refused", err)
		}
	}
	if listener, err := net.Listen("tcp", r.Address()); !errors.Is(err, syscall.EADDRINUSE) {
		if err == nil {
			listener.Close()
		}
		t.Errorf("listen at the refused port = %v, want in use", err)
	}
	if again, err := refuse(r.Address()); !errors.Is(err, syscall.EADDRINUSE) {
		if err == nil {
			again.Close()
		}
		t.Errorf("refuse a second time = %v, want in use", err)
	}
}

func TestRefusalGivesItsPortBack(t *testing.T) {
	r, err := refuse(anyPort)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("second Close() = %v", err)
	}
	listener, err := net.Listen("tcp", r.Address())
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
}

func TestRefusalOfABadAddress(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1", "[::1]:1", "10.0.0.1:1"} {
		if r, err := refuse(address); err == nil {
			r.Close()
			t.Errorf("refuse(%q) has no error", address)
		}
	}
}
