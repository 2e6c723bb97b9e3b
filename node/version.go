package node

import "runtime/debug"

// Version is the version of the program as the toolchain stamped it; "(devel)" for a build from a working copy.
func Version() string {
	if build, ok := debug.ReadBuildInfo(); ok && build.Main.Version != "" {
		return build.Main.Version
	}
	return "(devel)"
}
