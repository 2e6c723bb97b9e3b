package groups

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// scene is a configuration that is watched, in virtual time.
type scene struct {
	*testing.T
	dir, path string
	hup       chan os.Signal
	updates   <-chan Update
	stop      context.CancelFunc
}

const watched = `groups: [{name: a, targets: [{name: a, url: {file: secret}}]}]` + "\n"

// watching starts to watch a configuration whose URL is in a file, and takes the first update.
func watching(t *testing.T) *scene {
	dir := t.TempDir()
	s := &scene{T: t, dir: dir, path: filepath.Join(dir, "f.yaml"), hup: make(chan os.Signal, 1)}
	s.write("f.yaml", watched)
	s.write("secret", "https://one.example/")
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	s.updates = Watch(ctx, s.path, environment, s.hup)
	s.wants("https://one.example/")
	return s
}

func (s *scene) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

// wants waits for an update with a URL.
func (s *scene) wants(url string) {
	s.Helper()
	update := <-s.updates
	if update.Err != nil || update.Config.Groups[0].Targets[0].URL.Reveal() != url {
		s.Fatalf("update %+v, want %s", update, url)
	}
}

// wantsError waits for an update that is an error.
func (s *scene) wantsError(text string) {
	s.Helper()
	if update := <-s.updates; update.Err == nil || !strings.Contains(update.Err.Error(), text) || update.Config.Groups != nil {
		s.Fatalf("update %+v, want an error with %q", update, text)
	}
}

// wantsNothing checks that no update comes for a minute.
func (s *scene) wantsNothing() {
	s.Helper()
	select {
	case update := <-s.updates:
		s.Fatalf("update %+v of nothing", update)
	case <-time.After(time.Minute):
	}
}

// end checks that the channel is closed once the context ends. The bubble checks that the goroutine is gone.
func (s *scene) end() {
	s.Helper()
	s.stop()
	if update, open := <-s.updates; open {
		s.Errorf("update %+v after the end", update)
	}
}

func TestWatch(t *testing.T) {
	for name, test := range map[string]func(s *scene){
		"nothing changes": func(s *scene) { s.wantsNothing() },
		"a secret changes": func(s *scene) {
			s.write("secret", "https://another.example/")
			s.wants("https://another.example/")
			s.wantsNothing()
		},
		"a change is noticed soon": func(s *scene) {
			s.write("secret", "https://another.example/")
			started := time.Now()
			s.wants("https://another.example/")
			if waited := time.Since(started); waited > pollInterval+2*settleInterval {
				s.Errorf("waited %s", waited)
			}
		},
		"the file changes": func(s *scene) {
			s.write("f.yaml", strings.Replace(watched, "{file: secret}", "https://other.example/", 1))
			s.wants("https://other.example/")
			// The secret is no longer of interest.
			s.write("secret", "whatever")
			s.wantsNothing()
		},
		"the file is replaced by one of the same size and time": func(s *scene) {
			info, err := os.Stat(s.path)
			if err != nil {
				s.Fatal(err)
			}
			s.write("new", strings.Replace(watched, "secret", "sesame", 1))
			s.write("sesame", "https://sesame.example/")
			if err := os.Chtimes(filepath.Join(s.dir, "new"), info.ModTime(), info.ModTime()); err != nil {
				s.Fatal(err)
			}
			if err := os.Rename(filepath.Join(s.dir, "new"), s.path); err != nil {
				s.Fatal(err)
			}
			s.wants("https://sesame.example/")
		},
		"a bad file, then a good one": func(s *scene) {
			s.write("f.yaml", "groups: [")
			s.wantsError("is not YAML")
			s.wantsNothing()
			s.write("f.yaml", watched)
			s.wants("https://one.example/")
		},
		"the file goes and comes back": func(s *scene) {
			if err := os.Remove(s.path); err != nil {
				s.Fatal(err)
			}
			s.wantsError("cannot be read: no such file")
			s.wantsNothing()
			s.write("f.yaml", watched)
			s.wants("https://one.example/")
		},
		"a secret is not there at first": func(s *scene) {
			s.write("f.yaml", strings.Replace(watched, "secret", "late", 1))
			s.wantsError("its file cannot be read")
			s.write("late", "https://late.example/")
			s.wants("https://late.example/")
		},
		"a signal": func(s *scene) {
			s.hup <- syscall.SIGHUP
			s.wants("https://one.example/")
			s.wantsNothing()
		},
		"no more signals": func(s *scene) {
			close(s.hup)
			s.wantsNothing()
			s.write("secret", "https://another.example/")
			s.wants("https://another.example/")
		},
		"nobody takes updates": func(s *scene) {
			s.write("f.yaml", "groups: [")
			time.Sleep(time.Minute)
			s.write("f.yaml", strings.Replace(watched, "{file: secret}", "https://newest.example/", 1))
			time.Sleep(time.Minute)
			s.wants("https://newest.example/")
			s.wantsNothing()
		},
		"an editor that writes in steps": func(s *scene) {
			for end := 1; end < len(watched)-1; end += 2 {
				s.write("f.yaml", watched[:end])
				time.Sleep(settleInterval / 2)
			}
			s.write("f.yaml", strings.Replace(watched, "{file: secret}", "https://whole.example/", 1))
			s.wants("https://whole.example/")
		},
		"it ends while files settle": func(s *scene) {
			s.write("secret", "https://another.example/")
			time.Sleep(pollInterval + settleInterval/2)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := watching(t)
				test(s)
				s.end()
			})
		})
	}
}

// A file that never keeps still is read all the same. It is replaced, so that what is read is always whole.
func TestWatchOfAFileThatKeepsChanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := watching(t)
		ended := make(chan struct{})
		var writer sync.WaitGroup
		defer writer.Wait()
		defer close(ended)
		writer.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-ended:
					return
				case <-time.After(settleInterval / 2):
					text := []byte(watched + strings.Repeat("#", i%1000))
					if err := os.WriteFile(filepath.Join(s.dir, "new"), text, 0o600); err != nil {
						s.Error(err)
					}
					if err := os.Rename(filepath.Join(s.dir, "new"), s.path); err != nil {
						s.Error(err)
					}
				}
			}
		})
		s.wants("https://one.example/")
		s.end()
	})
}
