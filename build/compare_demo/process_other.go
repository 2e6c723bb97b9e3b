//go:build !linux

package main

import "syscall"

// apart is a process that Ctrl-C does not reach.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
