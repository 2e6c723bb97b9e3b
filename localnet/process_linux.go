package localnet

import "syscall"

// tied makes a process that is killed when the thread that started it ends, and that a terminal's Ctrl-C does not reach:
// this process ends it when it has had its last look.
func tied() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
