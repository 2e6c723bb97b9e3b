//go:build !linux

package vantage

import (
	"syscall"
	"testing"
)

func dieWithTest(*syscall.SysProcAttr) {}

func ownHost(testing.TB) string { return "127.0.0.1" }
