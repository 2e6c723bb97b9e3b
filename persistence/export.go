package persistence

import (
	"context"
	"errors"
	"fmt"

	"github.com/cosmos/iavl"

	"github.com/pocket-fisherman/fisherman/persistence/snapshot"
)

// Export calls visit with each node of a version's tree, in the order of a snapshot. The version has to be pinned. It
// reads with a tree object of its own, so that the readers' memory keeps what they need. Errors: the context's, visit's,
// and modules.ErrHeightUnavailable.
//
// iavl ends an export early, without an error, when a node cannot be read: a snapshot.Writer notices.
func (s *StateStore) Export(ctx context.Context, version int64, visit func(snapshot.Node) error) error {
	if err := s.kept(version); err != nil {
		return err
	}
	tree, err := iavl.NewMutableTree(s.database, pruningNodes, true, iavl.NewNopLogger()).GetImmutable(version)
	if err != nil {
		return s.unread(version, err)
	}
	exporter, err := tree.Export()
	if err != nil {
		return fmt.Errorf("export state %d: %w", version, err)
	}
	defer exporter.Close()
	for ctx.Err() == nil {
		node, err := exporter.Next()
		if errors.Is(err, iavl.ErrorExportDone) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("export state %d: %w", version, err)
		}
		if err := visit(snapshot.Node{Height: node.Height, Version: node.Version, Key: node.Key, Value: node.Value}); err != nil {
			return err
		}
	}
	return ctx.Err()
}
