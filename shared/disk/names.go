package disk

import (
	"path"
	"slices"
	"strings"
)

// patterns are the names, in small letters, as patterns of path.Match. None matches a name of our own.
var patterns = []string{
	// File systems of Unix: what was found after a crash, quotas, an old journal, snapshots, trash.
	"lost+found", "aquota.*", "quota.user", "quota.group", ".journal",
	".snap", ".snapshot", ".snapshots", "~snapshot", ".zfs", ".glusterfs", ".trashcan", ".lustre", ".reiserfs_priv",
	// A file that was deleted while it was open, over the network or in user space.
	".nfs*", ".fuse_hidden*",
	// What desktops put onto disks that they show.
	".trash", ".trash-*", ".directory",
	".ds_store", "._*", ".apdisk", ".appledb", ".appledesktop", ".appledouble", ".documentrevisions-v100", ".fseventsd",
	".spotlight-v100", ".temporaryitems", ".trashes", ".volumeicon.icns", ".com.apple.timemachine.*", "network trash folder",
	"temporary items",
	"system volume information", "$recycle.bin", "recycler", "desktop.ini", "thumbs.db",
	// Network storage, and the temporary disk of a machine in a cloud.
	"@eadir", "@recycle", "@tmp", "#recycle", "#snapshot", ".@__thumb", "dataloss_warning_readme.txt",
}

// Owns reports whether a name in a directory is one that a disk or a platform puts there, and so no stranger's. Letters
// count as equal in both cases.
func Owns(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		matched, err := path.Match(pattern, name)
		return matched && err == nil
	})
}
