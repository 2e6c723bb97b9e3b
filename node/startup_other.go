//go:build !linux

package node

func forgetStartup() {}
