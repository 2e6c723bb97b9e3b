package port

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const anyPort = "127.0.0.1:0"

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

// A port that is found can be opened again: it is outside the range of outgoing connections.
func TestPortsLast(t *testing.T) {
	given := portsGivenFrom(portsFile)
	if given <= lowestPort {
		t.Skip("the system gives away all ports")
	}
	for range 20 {
		listener, err := Listen(t.Context(), anyPort)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		if port := listener.Addr().(*net.TCPAddr).Port; port < lowestPort || port >= given {
			t.Errorf("%d is not from %d to %d", port, lowestPort, given-1)
		}
	}
}

func TestOccupiedPortsAreTriedFurther(t *testing.T) {
	tried := map[string]bool{}
	inUse := &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}
	err := Open(anyPort, func(address string) error {
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
	err = Open(anyPort, func(address string) error { last, calls = address, calls+1; return inUse })
	if err == nil || last != anyPort || calls > portTries+1 {
		t.Errorf("nothing free: %v after %d calls, the last for %s", err, calls, last)
	}
	err = Open("127.0.0.1:7", func(address string) error { last, calls = address, 1; return inUse })
	if err == nil || !strings.HasSuffix(last, ":7") || calls != 1 {
		t.Errorf("a port that is wanted: %v, asked for %s", err, last)
	}
}
