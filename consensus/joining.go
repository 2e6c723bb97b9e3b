package consensus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/pocket-fisherman/fisherman/persistence/snapshot"
)

// joining is a node that begins with a peer's snapshot. What peers send is checked before it is used: the manifest when it
// is offered, each chunk against the manifest, the nodes for their form and shape, and at last the whole for the hash that
// the light client verified. The state stays empty until then.
type joining struct {
	History
	logger   *slog.Logger
	manifest snapshot.Manifest
	restore  Restore
	// hash that the state must have.
	hash []byte
	// next is the index of the chunk that comes next.
	next uint32
}

// offer begins to restore a snapshot, if it may be one.
func (j *joining) offer(offered *abci.Snapshot, hash []byte) (abci.ResponseOfferSnapshot_Result, error) {
	if err := j.drop(); err != nil {
		return abci.ResponseOfferSnapshot_ABORT, err
	}
	switch {
	case offered == nil:
		return abci.ResponseOfferSnapshot_REJECT, nil
	case offered.Format != snapshot.Format:
		return abci.ResponseOfferSnapshot_REJECT_FORMAT, nil
	}
	manifest, err := snapshot.ParseManifest(offered.Height, uint64(offered.Chunks), offered.Metadata, offered.Hash)
	if err != nil {
		j.logger.Info("a peer offers a snapshot that is none", "height", offered.Height, "error", err)
		return abci.ResponseOfferSnapshot_REJECT_SENDER, nil
	}
	if j.restore, err = j.Archive.Restore(manifest.Height); err != nil {
		return abci.ResponseOfferSnapshot_ABORT, err
	}
	j.manifest, j.hash, j.next = manifest, bytes.Clone(hash), 0
	j.logger.Info("a snapshot of the state is being fetched from peers", "height", manifest.Height, "chunks", len(manifest.Hashes))
	return abci.ResponseOfferSnapshot_ACCEPT, nil
}

// apply adds a chunk. When it was the last one, done is true and the state is installed.
func (j *joining) apply(req *abci.RequestApplySnapshotChunk) (response *abci.ResponseApplySnapshotChunk, done bool, err error) {
	switch {
	case j.restore == nil:
		return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_ABORT}, false, nil
	case req.Index != j.next:
		return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_RETRY_SNAPSHOT}, false, j.again()
	}
	if !j.manifest.Proves(req.Index, req.Chunk) {
		j.logger.Info("a peer sent a chunk that is not the snapshot's", "height", j.manifest.Height, "chunk", req.Index)
		return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_RETRY,
			RefetchChunks: []uint32{req.Index}, RejectSenders: []string{req.Sender}}, false, nil
	}
	err = snapshot.Read(req.Chunk, j.manifest.Height, j.restore.Add)
	j.next++
	if err == nil && int(j.next) == len(j.manifest.Hashes) {
		restore := j.restore
		j.restore = nil
		err, done = restore.Install(j.hash), true
	}
	switch {
	case errors.Is(err, snapshot.ErrMalformed), j.WrongState != nil && errors.Is(err, j.WrongState):
		j.logger.Warn("a snapshot of peers is not the chain's state, and another one is looked for", "height", j.manifest.Height, "error", err)
		return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_REJECT_SNAPSHOT}, false, j.drop()
	case err != nil:
		return nil, false, errors.Join(err, j.drop())
	}
	return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_ACCEPT}, done, nil
}

// again begins the same snapshot anew: its chunks come from the first on.
func (j *joining) again() (err error) {
	if err := j.drop(); err != nil {
		return err
	}
	j.restore, err = j.Archive.Restore(j.manifest.Height)
	j.next = 0
	return err
}

// drop forgets what was restored so far.
func (j *joining) drop() error {
	if j.restore == nil {
		return nil
	}
	restore := j.restore
	j.restore = nil
	return restore.Drop()
}

// OfferSnapshot begins to restore a peer's snapshot, when this node begins with one.
func (a *application) OfferSnapshot(_ context.Context, req *abci.RequestOfferSnapshot) (*abci.ResponseOfferSnapshot, error) {
	a.ending.Lock()
	defer a.ending.Unlock()
	if a.joining == nil || a.ended || a.state.Version() != 0 {
		return &abci.ResponseOfferSnapshot{Result: abci.ResponseOfferSnapshot_ABORT}, nil
	}
	result, err := a.joining.offer(req.Snapshot, req.AppHash)
	if err != nil {
		return nil, a.failed(fmt.Errorf("begin with a snapshot: %w", err))
	}
	return &abci.ResponseOfferSnapshot{Result: result}, nil
}

// ApplySnapshotChunk adds a chunk of the snapshot that was accepted.
func (a *application) ApplySnapshotChunk(_ context.Context, req *abci.RequestApplySnapshotChunk) (*abci.ResponseApplySnapshotChunk, error) {
	a.ending.Lock()
	defer a.ending.Unlock()
	if a.joining == nil || a.ended || a.state.Version() != 0 {
		return &abci.ResponseApplySnapshotChunk{Result: abci.ResponseApplySnapshotChunk_ABORT}, nil
	}
	response, done, err := a.joining.apply(req)
	if err != nil {
		return nil, a.failed(fmt.Errorf("restore a snapshot: %w", err))
	}
	if done {
		a.genesis = nil
		a.pool.Commit(a.state.Version())
		a.joining.logger.Info("the state of a snapshot is in place; the blocks after it are fetched", "height", a.state.Version())
	}
	return response, nil
}
