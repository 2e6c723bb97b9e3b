package node

import "runtime/debug"

// Build is what the toolchain stamped into the program.
type Build struct {
	// Version is that of the source, "(devel)" where the toolchain was told of none.
	Version string `json:"version"`
	// Revision is the commit, "" if not known; Modified says that the source was not as committed.
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"`
	// Time of the commit, RFC 3339; "" if not known.
	Time string `json:"time,omitempty"`
	// Go is the version of the toolchain.
	Go string `json:"go"`
}

// ThisBuild tells how this program was built.
func ThisBuild() Build {
	build := Build{Version: "(devel)"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build
	}
	build.Go = info.GoVersion
	if info.Main.Version != "" {
		build.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			build.Revision = setting.Value
		case "vcs.time":
			build.Time = setting.Value
		case "vcs.modified":
			build.Modified = setting.Value == "true"
		}
	}
	return build
}
