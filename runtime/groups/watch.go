package groups

import (
	"context"
	"io/fs"
	"os"
	"time"
)

const (
	// pollInterval is how often files are looked at.
	pollInterval = 2 * time.Second
	// settleInterval is for how long files have to stay as they are before they are read: editors write in steps.
	settleInterval = 250 * time.Millisecond
	// maximumSettles bounds how often a file that keeps changing is waited for.
	maximumSettles = 20
)

// Update is a configuration that was read again, or why it cannot be used.
type Update struct {
	Config Config
	// Err is an *Error; nil if Config is valid.
	Err error
}

// Watch reads a configuration at once, and again on each signal and whenever the file, or a file of a secret that it names,
// changes or is replaced. Each result is delivered; one that was not taken yet gives way to the next. The channel is
// closed once the context ends. A change is noticed within 2 s.
func Watch(ctx context.Context, path string, env Environment, signals <-chan os.Signal) <-chan Update {
	updates := make(chan Update)
	w := watcher{path: path, env: env, signals: signals, updates: updates}
	go w.run(ctx)
	return updates
}

// watcher belongs to the goroutine of Watch.
type watcher struct {
	path    string
	env     Environment
	signals <-chan os.Signal
	updates chan<- Update

	// seen are the files that were read, as they were just before; nil for those that were not there.
	seen files
}

func (w *watcher) run(ctx context.Context) {
	defer close(w.updates)
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	pending, to := w.read(), w.updates
	for {
		select {
		case <-ctx.Done():
			return
		case to <- pending:
			pending, to = Update{}, nil
			continue
		case _, open := <-w.signals:
			if !open {
				w.signals = nil
				continue
			}
		case <-poll.C:
			if w.seen.same(w.seen.again()) {
				continue
			}
			if !w.settle(ctx) {
				return
			}
		}
		pending, to = w.read(), w.updates
	}
}

// read reads the configuration.
func (w *watcher) read() Update {
	var update Update
	update.Config, w.seen, update.Err = load(w.path, w.env)
	return update
}

// settle waits until the files stay as they are. It reports whether the context goes on.
func (w *watcher) settle(ctx context.Context) bool {
	before := w.seen.again()
	for range maximumSettles {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(settleInterval):
		}
		now := before.again()
		if before.same(now) {
			break
		}
		before = now
	}
	return true
}

// files are the states of files by path.
type files map[string]fs.FileInfo

// look adds the state of a file; nil if it cannot be seen.
func (f files) look(path string) {
	info, err := os.Stat(path)
	if err != nil {
		info = nil
	}
	f[path] = info
}

// again returns the states of the same files as they are now.
func (f files) again() files {
	now := make(files, len(f))
	for path := range f {
		now.look(path)
	}
	return now
}

// same reports whether files are as they were.
func (f files) same(now files) bool {
	for path, info := range now {
		was := f[path]
		if (was == nil) != (info == nil) {
			return false
		}
		if info != nil && (!os.SameFile(was, info) || was.Size() != info.Size() || !was.ModTime().Equal(info.ModTime())) {
			return false
		}
	}
	return true
}
