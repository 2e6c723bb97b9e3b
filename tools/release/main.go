package main

import (
	"bufio"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
)

var errUsage = errors.New("usage: release sbom BINARY | release notices BINARY... | release sums DIRECTORY")

func main() {
	out := bufio.NewWriter(os.Stdout)
	err := run(out, os.Args[1:])
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, arguments []string) error {
	if len(arguments) < 2 {
		return errUsage
	}
	switch command, paths := arguments[0], arguments[1:]; {
	case command == "sbom" && len(paths) == 1:
		return writeBill(out, paths[0])
	case command == "notices":
		return writeNotices(out, paths)
	case command == "sums" && len(paths) == 1:
		return writeSums(out, paths[0])
	}
	return errUsage
}

// dependencies returns the modules in a binary except its own, in the versions that were built in.
func dependencies(build *debug.BuildInfo) []*debug.Module {
	modules := make([]*debug.Module, len(build.Deps))
	for i, module := range build.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		modules[i] = module
	}
	return modules
}

func readBuild(path string) (*debug.BuildInfo, error) {
	build, err := buildinfo.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read build of %s: %w", path, err)
	}
	return build, nil
}

func setting(build *debug.BuildInfo, key string) string {
	for _, setting := range build.Settings {
		if setting.Key == key {
			return setting.Value
		}
	}
	return ""
}
