package node

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
	"github.com/pocket-fisherman/fisherman/utility"
)

// watchedVersions remembers which states were read.
type watchedVersions struct {
	utility.Versions
	read []int64
}

func (v *watchedVersions) At(height int64) (utility.Reader, error) {
	v.read = append(v.read, height)
	return v.Versions.At(height)
}

// With the last block of a session the next one's members are found before anybody asks for them, and they are the same.
func TestOwnSessionsAreFoundAhead(t *testing.T) {
	committed := versionsOf(t, 9, func(p *genesis.Params) { p.Session.BlocksPerSession = 5 })
	own := key("fisherman").Address()
	synctest.Test(t, func(t *testing.T) {
		watched := &watchedVersions{Versions: committed}
		f := newFishing(utility.NewModule(watched), own)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			f.Run(ctx)
		}()
		for height := int64(7); height <= 9; height++ {
			if _, err := f.FishermanSessions(ctx, height, own); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		// One read is of the parameters, one of the actors.
		if last := watched.read[len(watched.read)-2:]; !slices.Equal(last, []int64{9, 9}) {
			t.Errorf("read %v, want 9 twice at the end", watched.read)
		}
		ahead, err := f.FishermanSessions(ctx, 10, own)
		if err != nil || len(ahead) == 0 {
			t.Fatal(ahead, err)
		}
		atOnce, err := f.Module.FishermanSessions(ctx, 10, own)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range atOnce {
			if len(ahead) != len(atOnce) || !proto.Equal(s, ahead[i]) {
				t.Errorf("%v, want %v", ahead, atOnce)
			}
		}
		stop()
		<-ended
	})
}

// Nobody may run it, and nothing waits then.
func TestOwnSessionsWithoutRun(t *testing.T) {
	f := newFishing(chain(t, 9, func(*genesis.Params) {}), key("fisherman").Address())
	for height := int64(1); height <= 9; height++ {
		if _, err := f.FishermanSessions(t.Context(), height, key("fisherman").Address()); err != nil {
			t.Fatal(err)
		}
	}
	if height := <-f.asked; height != 9 {
		t.Errorf("asked for %d last", height)
	}
}
