package vantage

import "syscall"

// dieWithTest ends a process with the test's, even if that is killed.
func dieWithTest(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
