package node

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
)

// residentFile returns how much of files this process has mapped at present, in KiB.
func residentFile(t *testing.T) (size int) {
	t.Helper()
	status, err := os.Open("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), "RssFile:"); found {
			if _, err := fmt.Sscan(value, &size); err != nil {
				t.Fatal(err)
			}
		}
	}
	return size
}

// What starting took is let go, and the program runs on.
func TestStartupIsForgotten(t *testing.T) {
	before := residentFile(t)
	forgetStartup()
	after := residentFile(t)
	if after >= before {
		t.Errorf("%d KiB of files mapped, %d before", after, before)
	}
}
