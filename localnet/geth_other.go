//go:build unix && !linux

package localnet

import "syscall"

// ownedProcess shields geth from a terminal's Ctrl-C: the parent stops it during its own shutdown.
func ownedProcess() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
