package localnet

import "syscall"

// tied returns the attributes of a process that is killed when the thread that started it ends, and that a terminal's
// Ctrl-C does not reach: this process ends it during its own shutdown.
func tied() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
