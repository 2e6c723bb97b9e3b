package disk

import (
	"path"
	"testing"
)

func TestOwns(t *testing.T) {
	for name, want := range map[string]bool{
		"lost+found": true, "LOST+FOUND": true, ".Trash-1000": true, ".Trash": true, ".DS_Store": true, "._samples": true,
		".snapshot": true, ".snapshots": true, "~snapshot": true, ".zfs": true, ".nfs000000000123456700000001": true,
		".fuse_hidden0000000100000001": true, "System Volume Information": true, "$RECYCLE.BIN": true, "aquota.user": true,
		"aquota.group": true, "@eaDir": true, "#recycle": true, "DATALOSS_WARNING_README.txt": true,

		"": false, ".": false, "..": false, "thesis.txt": false, "lost": false, "lost+found.txt": false, "my lost+found": false,
		".nfs": true, "nfs0001": false, ".trash2": false, "Trash-1000": false, "aquota": false, "snapshot": false, ".git": false,
		".ssh": false, "CURRENT": false, "MANIFEST-000001": false, "000001.log": false, "LOCK": false, "config.toml": false,
		"genesis.json": false, "node_key.json": false, "keys": false, "data": false,
	} {
		if Owns(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
}

func TestPatternsAreWellFormed(t *testing.T) {
	for _, pattern := range patterns {
		if _, err := path.Match(pattern, "x"); err != nil {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}
