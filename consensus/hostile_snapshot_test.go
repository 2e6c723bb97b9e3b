package consensus

import (
	"crypto/sha256"
	"errors"
	"log/slog"
	"testing"

	abci "github.com/cometbft/cometbft/abci/types"

	"github.com/pocket-fisherman/fisherman/persistence/snapshot"
)

var errWrongState = errors.New("wrong state")

// restoring is a store into which snapshots are restored. It takes only the state of one hash.
type restoring struct {
	pruned
	open  *restore
	count int
}

type restore struct {
	store *restoring
	shape snapshot.Shape
	nodes int
}

func (r *restoring) Restore(int64) (Restore, error) {
	if r.open != nil {
		return nil, errors.New("a restore is open")
	}
	r.open = &restore{store: r}
	r.count++
	return r.open, nil
}

func (r *restore) Add(node snapshot.Node) error {
	r.nodes++
	return r.shape.Add(node.Height)
}

func (r *restore) Install(hash []byte) error {
	r.store.open = nil
	if err := r.shape.End(); err != nil {
		return err
	}
	if string(hash) != "right" {
		return errWrongState
	}
	return nil
}

func (r *restore) Drop() error {
	r.store.open = nil
	return nil
}

// joiner is an application that begins with a snapshot.
func joiner(t *testing.T) (*driver, *restoring) {
	d, store := drive(t, newMemoryState()), &restoring{}
	d.application.joining = &joining{History: History{Archive: store, WrongState: errWrongState}, logger: slog.New(slog.DiscardHandler)}
	return d, store
}

// chunks are of a tree of two leaves.
func chunks() [][]byte {
	return [][]byte{{0, 1, 1, 'a', 0, 0, 1, 1, 'b', 0}, {1, 1, 1, 'b'}}
}

func offered(height int64, chunks [][]byte) *abci.Snapshot {
	manifest := snapshot.Manifest{Height: height}
	for _, chunk := range chunks {
		manifest.Hashes = append(manifest.Hashes, sha256.Sum256(chunk))
	}
	return &abci.Snapshot{Height: uint64(height), Format: snapshot.Format, Chunks: uint32(len(chunks)), Hash: manifest.Hash(), Metadata: manifest.Metadata()}
}

func (d *driver) offer(snapshot *abci.Snapshot, hash string) abci.ResponseOfferSnapshot_Result {
	d.t.Helper()
	response, err := d.OfferSnapshot(d.t.Context(), &abci.RequestOfferSnapshot{Snapshot: snapshot, AppHash: []byte(hash)})
	if err != nil {
		d.t.Fatal(err)
	}
	return response.Result
}

func (d *driver) apply(index uint32, chunk []byte) *abci.ResponseApplySnapshotChunk {
	d.t.Helper()
	response, err := d.ApplySnapshotChunk(d.t.Context(), &abci.RequestApplySnapshotChunk{Index: index, Chunk: chunk, Sender: "peer"})
	if err != nil {
		d.t.Fatal(err)
	}
	return response
}

// Only a snapshot whose manifest proves its chunks is begun, and nothing at all by a node that begins with the genesis.
func TestOfferIsChecked(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*abci.Snapshot) *abci.Snapshot
		want   abci.ResponseOfferSnapshot_Result
	}{
		"honest":            {func(s *abci.Snapshot) *abci.Snapshot { return s }, abci.ResponseOfferSnapshot_ACCEPT},
		"none":              {func(*abci.Snapshot) *abci.Snapshot { return nil }, abci.ResponseOfferSnapshot_REJECT},
		"another format":    {func(s *abci.Snapshot) *abci.Snapshot { s.Format = 2; return s }, abci.ResponseOfferSnapshot_REJECT_FORMAT},
		"another height":    {func(s *abci.Snapshot) *abci.Snapshot { s.Height++; return s }, abci.ResponseOfferSnapshot_REJECT_SENDER},
		"a huge height":     {func(s *abci.Snapshot) *abci.Snapshot { s.Height = 1 << 63; return s }, abci.ResponseOfferSnapshot_REJECT_SENDER},
		"more chunks":       {func(s *abci.Snapshot) *abci.Snapshot { s.Chunks = 1 << 31; return s }, abci.ResponseOfferSnapshot_REJECT_SENDER},
		"no chunks":         {func(s *abci.Snapshot) *abci.Snapshot { s.Chunks, s.Metadata = 0, nil; return s }, abci.ResponseOfferSnapshot_REJECT_SENDER},
		"metadata too long": {func(s *abci.Snapshot) *abci.Snapshot { s.Metadata = make([]byte, 4<<20); return s }, abci.ResponseOfferSnapshot_REJECT_SENDER},
		"another hash":      {func(s *abci.Snapshot) *abci.Snapshot { s.Hash = make([]byte, 32); return s }, abci.ResponseOfferSnapshot_REJECT_SENDER},
	}
	for name, test := range tests {
		d, store := joiner(t)
		if got := d.offer(test.change(offered(9, chunks())), "right"); got != test.want || (store.open != nil) != (test.want == abci.ResponseOfferSnapshot_ACCEPT) {
			t.Errorf("%s: %v", name, got)
		}
	}
	d := drive(t, newMemoryState())
	if got := d.offer(offered(9, chunks()), "right"); got != abci.ResponseOfferSnapshot_ABORT {
		t.Errorf("a node that begins with the genesis: %v", got)
	}
	if got := d.apply(0, chunks()[0]).Result; got != abci.ResponseApplySnapshotChunk_ABORT {
		t.Errorf("a node that begins with the genesis: %v", got)
	}
}

func TestChunksAreApplied(t *testing.T) {
	t.Parallel()
	d, store := joiner(t)
	d.offer(offered(9, chunks()), "right")
	for index, chunk := range chunks() {
		if got := d.apply(uint32(index), chunk).Result; got != abci.ResponseApplySnapshotChunk_ACCEPT {
			t.Fatalf("chunk %d: %v", index, got)
		}
	}
	if store.open != nil {
		t.Error("the restore was not ended")
	}
	// There is no further chunk.
	if got := d.apply(2, nil).Result; got != abci.ResponseApplySnapshotChunk_ABORT {
		t.Errorf("a chunk too many: %v", got)
	}
	// Chunks out of order begin the snapshot anew.
	d.offer(offered(9, chunks()), "right")
	if got := d.apply(1, chunks()[1]).Result; got != abci.ResponseApplySnapshotChunk_RETRY_SNAPSHOT || store.open == nil || store.open.nodes != 0 {
		t.Errorf("a chunk that is not the next: %v", got)
	}
}

// A peer's chunk that is not the manifest's is asked for again, of others, and what came before is kept.
func TestChunkOfALiar(t *testing.T) {
	t.Parallel()
	d, store := joiner(t)
	d.offer(offered(9, chunks()), "right")
	d.apply(0, chunks()[0])
	for _, lie := range [][]byte{nil, {1, 1, 1, 'c'}, make([]byte, 16<<20)} {
		response := d.apply(1, lie)
		if response.Result != abci.ResponseApplySnapshotChunk_RETRY || len(response.RejectSenders) != 1 || response.RejectSenders[0] != "peer" ||
			len(response.RefetchChunks) != 1 || response.RefetchChunks[0] != 1 {
			t.Errorf("a lie of %d bytes: %+v", len(lie), response)
		}
	}
	if store.open.nodes != 2 {
		t.Errorf("%d nodes were restored", store.open.nodes)
	}
	if got := d.apply(1, chunks()[1]).Result; got != abci.ResponseApplySnapshotChunk_ACCEPT {
		t.Errorf("the chunk itself: %v", got)
	}
}

// A snapshot whose manifest is right and whose content is not is dropped, and another one can be restored.
func TestSnapshotOfALiar(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		chunks [][]byte
		hash   string
	}{
		"no nodes":             {[][]byte{{}}, "right"},
		"garbage":              {[][]byte{{0xff, 1, 2, 3}}, "right"},
		"a node of the future": {[][]byte{{0, 10, 1, 'a', 0}}, "right"},
		"half a tree":          {chunks()[:1], "right"},
		"a tree out of order":  {[][]byte{chunks()[1], chunks()[0]}, "right"},
		"another state":        {chunks(), "another"},
	}
	for name, test := range tests {
		d, store := joiner(t)
		if got := d.offer(offered(9, test.chunks), test.hash); got != abci.ResponseOfferSnapshot_ACCEPT {
			t.Fatalf("%s: %v", name, got)
		}
		var last abci.ResponseApplySnapshotChunk_Result
		for index, chunk := range test.chunks {
			if last = d.apply(uint32(index), chunk).Result; last != abci.ResponseApplySnapshotChunk_ACCEPT {
				break
			}
		}
		if last != abci.ResponseApplySnapshotChunk_REJECT_SNAPSHOT || store.open != nil || len(d.failed) > 0 {
			t.Errorf("%s: %v, failed with %v", name, last, d.failed)
		}
		if got := d.offer(offered(9, chunks()), "right"); got != abci.ResponseOfferSnapshot_ACCEPT {
			t.Errorf("%s: the next one: %v", name, got)
		}
	}
}

// What a peer asks for that is not kept is answered with nothing.
func TestChunksThatAreNotKept(t *testing.T) {
	t.Parallel()
	directory, err := snapshot.OpenDirectory(t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := directory.Write(9, func(add func(snapshot.Node) error) error {
		return add(snapshot.Node{Version: 1, Key: []byte("a"), Value: []byte{}})
	}, nil); err != nil {
		t.Fatal(err)
	}
	d := drive(t, newMemoryState())
	for _, own := range []*snapshot.Directory{nil, directory} {
		d.application.offered = own
		listed, err := d.ListSnapshots(t.Context(), &abci.RequestListSnapshots{})
		if err != nil || len(listed.Snapshots) != 0 != (own != nil) {
			t.Errorf("listed are %v, %v", listed, err)
		}
		for _, ask := range []abci.RequestLoadSnapshotChunk{{Height: 8, Format: 1}, {Height: 9, Format: 2}, {Height: 9, Format: 1, Chunk: 1},
			{Height: 1 << 63, Format: 1}, {Height: 9, Format: 1, Chunk: 1<<32 - 1}} {
			if got, err := d.LoadSnapshotChunk(t.Context(), &ask); err != nil || got.Chunk != nil {
				t.Errorf("%+v: %v, %v", ask, got, err)
			}
		}
	}
	if got, err := d.LoadSnapshotChunk(t.Context(), &abci.RequestLoadSnapshotChunk{Height: 9, Format: 1}); err != nil || len(got.Chunk) == 0 {
		t.Errorf("the chunk that is kept: %v, %v", got, err)
	}
}

// FuzzApplySnapshotChunk: whatever a peer offers and sends, the node neither panics nor fails nor leaves a restore open that
// it does not use.
func FuzzApplySnapshotChunk(f *testing.F) {
	honest := offered(9, chunks())
	f.Add(honest.Height, honest.Format, honest.Chunks, honest.Metadata, honest.Hash, chunks()[0], uint32(0))
	f.Add(uint64(1)<<63, uint32(1), uint32(1)<<31, []byte{1}, []byte{}, []byte{0xff}, uint32(7))
	one := offered(9, [][]byte{{0, 1, 1, 'a', 0}})
	f.Add(one.Height, one.Format, one.Chunks, one.Metadata, one.Hash, []byte{0, 1, 1, 'a', 0}, uint32(0))
	f.Fuzz(func(t *testing.T, height uint64, format, count uint32, metadata, hash, chunk []byte, index uint32) {
		d, store := joiner(t)
		got := d.offer(&abci.Snapshot{Height: height, Format: format, Chunks: count, Metadata: metadata, Hash: hash}, "right")
		d.apply(index, chunk)
		d.apply(index, chunk)
		if len(d.failed) > 0 {
			t.Fatal(d.failed)
		}
		d.application.end()
		if store.open != nil {
			t.Fatalf("a restore is left open after %v", got)
		}
	})
}
