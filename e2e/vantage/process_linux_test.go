package vantage

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
)

// dieWithTest ends a process with the test's, even if that is killed.
func dieWithTest(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }

// ownHost returns an address of loopback that nothing else uses, so that ports stay free while a process is down.
func ownHost(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("127.%d.%d.1", 1+rand.IntN(250), rand.IntN(250))
}
