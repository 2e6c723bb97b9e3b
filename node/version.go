package node

import "runtime/debug"

// version is the module's version as the toolchain stamped it; "(devel)" for a build from a working copy.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
