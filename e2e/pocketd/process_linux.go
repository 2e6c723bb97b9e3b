package pocketd

import "syscall"

// owned ties a process to its parent, however that ends, and shields it from a terminal's Ctrl-C.
func owned() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
