package command

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"syscall"

	"github.com/gofrs/flock"
)

// Listen opens the TCP socket of a setting, or says in one line why it cannot be opened, and where another address is given:
// "--api-listen or api.listen in node.json".
func Listen(ctx context.Context, setting, address, where string) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, Fail(ExitAddressInUse, "%s: address %s is in use; stop what listens there, or give another HOST:PORT with %s", setting, address, where)
	}
	if err != nil {
		return nil, Fail(ExitUsage, "%s: %w; give another HOST:PORT with %s", setting, err, where)
	}
	return listener, nil
}

// OnLoopback reports whether a listener is for this machine alone, whatever name it was opened by.
func OnLoopback(listener net.Listener) bool {
	address, ok := listener.Addr().(*net.TCPAddr)
	return ok && address.IP.IsLoopback()
}

// lockName is the file within a directory that its only user holds locked.
const lockName = "LOCK"

// Lock takes a directory's lock without waiting, for a user such as "node". setting says how another one is chosen.
func Lock(directory, user, setting string) (unlock func(), err error) {
	lock := flock.New(filepath.Join(directory, lockName), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, Fail(ExitHome, "%s directory cannot be locked: %w", directory, err)
	}
	if !locked {
		return nil, Fail(ExitHomeInUse, "another %s runs on %s; stop that one, or choose another %s", user, directory, setting)
	}
	return func() { _ = lock.Close() }, nil
}
