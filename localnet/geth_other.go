//go:build unix && !linux

package localnet

import "syscall"

// ownedProcess keeps a terminal's Ctrl-C from geth: the parent stops it when its own time has come.
func ownedProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
