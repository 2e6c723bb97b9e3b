package wire

import (
	"errors"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// waker wakes those who wait for the bytes of a dialer's held sockets, or calls what is to be called for them. One epoll
// instance has all of them, and the runtime's poller watches that. It is there, with one goroutine, from the making of the first
// socket until the last is closed.
type waker struct {
	mu sync.Mutex
	// epoll is nil while there is no socket.
	epoll   *epoll
	sockets map[int]*heldSocket
}

// epoll is an instance, and the number of it.
type epoll struct {
	file       *os.File
	raw        syscall.RawConn
	descriptor int
}

// watchedEvents are what is waited for, once: until it is armed again, a socket that had an event has none.
const watchedEvents = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT

// mostEvents are taken from the kernel at once.
const mostEvents = 128

// add has a socket watched from now on, whenever it is armed.
func (w *waker) add(held *heldSocket) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.epoll == nil {
		made, err := newEpoll()
		if err != nil {
			return err
		}
		w.epoll, w.sockets = made, make(map[int]*heldSocket)
		go w.run(made)
	}
	w.sockets[held.descriptor], held.epoll = held, w.epoll
	return nil
}

// remove ends the watching of a socket, which is about to be closed.
func (w *waker) remove(held *heldSocket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if delete(w.sockets, held.descriptor); len(w.sockets) == 0 {
		_ = w.epoll.file.Close() // ends run
		w.epoll = nil
	}
}

// run wakes the sockets that have events, and calls what is watched for, until the instance is closed.
func (w *waker) run(e *epoll) {
	events := make([]unix.EpollEvent, mostEvents)
	for {
		n := 0
		err := e.raw.Read(func(descriptor uintptr) bool {
			n, _ = unix.EpollWait(int(descriptor), events, 0) // interrupted or not, what there is comes with the next call
			return n > 0
		})
		if err != nil {
			return
		}
		for _, ready := range w.fire(events[:n]) {
			ready()
		}
	}
}

// fire wakes the sockets that had events, and returns what is to be called for others of them.
func (w *waker) fire(events []unix.EpollEvent) (ready []func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, event := range events {
		held := w.sockets[int(event.Fd)]
		if held == nil {
			continue
		}
		if call := held.take(); call != nil {
			ready = append(ready, call)
		} else {
			held.wake()
		}
	}
	return ready
}

// newEpoll makes an instance that the runtime's poller watches.
func newEpoll() (*epoll, error) {
	descriptor, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(descriptor, true); err != nil {
		return nil, errors.Join(err, unix.Close(descriptor))
	}
	file := os.NewFile(uintptr(descriptor), "epoll")
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &epoll{file: file, raw: raw, descriptor: descriptor}, nil
}
