package main

import "syscall"

// apart is a process that Ctrl-C does not reach, and that ends with this one even if this one is killed.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
