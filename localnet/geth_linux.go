package localnet

import "syscall"

// ownedProcess lets geth die with its parent, however that ends, and keeps a terminal's Ctrl-C from it: the parent
// stops it when its own time has come.
func ownedProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
