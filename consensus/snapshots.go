package consensus

import (
	"context"
	"log/slog"
	"time"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/pocket-fisherman/fisherman/persistence/snapshot"
	"github.com/pocket-fisherman/fisherman/shared/pause"
)

// snapshotRate is how fast a snapshot is written, in bytes a second: the disk is for blocks first.
const snapshotRate = 8 << 20

// snapshotter takes snapshots of states beside the chain, one at a time. A height that comes due while the one before is
// still being written has none.
type snapshotter struct {
	History
	logger *slog.Logger
	due    chan dueSnapshot
}

type dueSnapshot struct {
	height  int64
	release func()
}

func newSnapshotter(history History, logger *slog.Logger) *snapshotter {
	return &snapshotter{History: history, logger: logger, due: make(chan dueSnapshot, 1)}
}

// committed is called with each committed height. It never waits.
func (s *snapshotter) committed(height int64) {
	if s.Every == 0 || height%s.Every != 0 {
		return
	}
	release, err := s.Archive.Pin(height)
	if err != nil {
		s.logger.Warn("no snapshot is taken", "height", height, "error", err)
		return
	}
	select {
	case s.due <- dueSnapshot{height, release}:
	default:
		release()
	}
}

// run writes the snapshots that come due until the context ends.
func (s *snapshotter) run(ctx context.Context) {
	defer s.forget()
	for {
		select {
		case <-ctx.Done():
			return
		case due := <-s.due:
			s.write(ctx, due)
		}
	}
}

func (s *snapshotter) write(ctx context.Context, due dueSnapshot) {
	defer due.release()
	begin := time.Now()
	err := s.Snapshots.Write(due.height, func(add func(snapshot.Node) error) error {
		return s.Archive.Export(ctx, due.height, add)
	}, func(bytes int) error { return pause.For(ctx, time.Duration(bytes)*time.Second/snapshotRate) })
	switch {
	case ctx.Err() != nil:
	case err != nil:
		s.logger.Warn("the snapshot of a height could not be written; the next one is tried", "height", due.height, "error", err)
	default:
		s.logger.Debug("a snapshot was taken", "height", due.height, "after", time.Since(begin).Round(time.Millisecond))
	}
}

// forget releases a snapshot that nobody takes any more.
func (s *snapshotter) forget() {
	select {
	case due := <-s.due:
		due.release()
	default:
	}
}

// ListSnapshots returns the snapshots that peers may have.
func (a *application) ListSnapshots(context.Context, *abci.RequestListSnapshots) (*abci.ResponseListSnapshots, error) {
	response := &abci.ResponseListSnapshots{}
	if a.offered == nil {
		return response, nil
	}
	for _, manifest := range a.offered.List() {
		response.Snapshots = append(response.Snapshots, &abci.Snapshot{Height: uint64(manifest.Height), Format: snapshot.Format,
			Chunks: uint32(len(manifest.Hashes)), Hash: manifest.Hash(), Metadata: manifest.Metadata()})
	}
	return response, nil
}

// LoadSnapshotChunk returns a chunk of a snapshot that is kept; without bytes if it is not.
func (a *application) LoadSnapshotChunk(_ context.Context, req *abci.RequestLoadSnapshotChunk) (*abci.ResponseLoadSnapshotChunk, error) {
	response := &abci.ResponseLoadSnapshotChunk{}
	if a.offered == nil || req.Format != snapshot.Format || req.Height > 1<<62 {
		return response, nil
	}
	if chunk, err := a.offered.Chunk(int64(req.Height), req.Chunk); err == nil {
		response.Chunk = chunk
	}
	return response, nil
}
