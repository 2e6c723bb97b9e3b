//go:build !linux

package localnet

import "syscall"

// tied returns the attributes of an ordinary process: only Linux ends it when this one is killed.
func tied() *syscall.SysProcAttr { return nil }
