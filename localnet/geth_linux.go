package localnet

import "syscall"

// ownedProcess ties geth to its parent, however that ends, and shields it from a terminal's Ctrl-C: the parent stops it
// during its own shutdown.
func ownedProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
