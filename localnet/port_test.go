package localnet

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPortsGivenFrom(t *testing.T) {
	for text, want := range map[string]int{
		"32768\t60999\n": 32768, "1024 65535": 1024, "49152\t65535": 49152,
		"": firstGivenPort, "many": firstGivenPort, "60999 32768": firstGivenPort, "-1 5": firstGivenPort,
	} {
		file := filepath.Join(t.TempDir(), "range")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := portsGivenFrom(file); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	if got := portsGivenFrom(filepath.Join(t.TempDir(), "none")); got != firstGivenPort {
		t.Errorf("without the file: %d", got)
	}
}

// TestLastingPorts: what a home records is outside the range of outgoing connections.
func TestLastingPorts(t *testing.T) {
	given := portsGivenFrom(portsFile)
	if given <= lowestPort {
		t.Skip("the system gives away all ports")
	}
	o, err := DefaultOptions().Fit()
	if err != nil {
		t.Fatal(err)
	}
	o.RPCListen = anyPort
	opened, at, err := openEndpoints(t.Context(), freeAddresses(o))
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	all := []string{at.RPC, at.ChainRPC}
	for _, s := range at.Servicers {
		all = append(all, s.Service, s.Delayed, s.Upstream)
	}
	for _, address := range all {
		if address == "" {
			continue
		}
		if port := int(netip.MustParseAddrPort(address).Port()); port < lowestPort || port >= given {
			t.Errorf("%s is not from %d to %d", address, lowestPort, given-1)
		}
	}
}

func TestOccupiedPortsAreTriedFurther(t *testing.T) {
	tried := map[string]bool{}
	inUse := &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	err := openLasting(anyPort, func(address string) error {
		tried[address] = true
		if len(tried) < 3 {
			return inUse
		}
		return nil
	})
	if err != nil || len(tried) < 3 {
		t.Errorf("%v after %v", err, tried)
	}
	last, calls := "", 0
	err = openLasting(anyPort, func(address string) error { last, calls = address, calls+1; return inUse })
	if err == nil || last != anyPort || calls > portTries+1 {
		t.Errorf("nothing free: %v after %d calls, the last for %s", err, calls, last)
	}
	err = openLasting("127.0.0.1:7", func(address string) error { last, calls = address, 1; return inUse })
	if err == nil || !strings.HasSuffix(last, ":7") || calls != 1 {
		t.Errorf("a port that is wanted: %v, asked for %s", err, last)
	}
}
