//go:build unix && !linux

package pocketd

import "syscall"

// owned shields a process from a terminal's Ctrl-C.
func owned() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
