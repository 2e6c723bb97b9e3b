//go:build !linux

package localnet

import "syscall"

// tied makes a process like any other: only Linux ends it when this one is killed.
func tied() *syscall.SysProcAttr { return nil }
