package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// noticeFiles are the names, without case and extension, of the files that have to accompany a module.
var noticeFiles = []string{"license", "licence", "copying", "notice", "patents", "unlicense", "copyright"}

// notice is one text, and the modules that it belongs to.
type notice struct {
	text   string
	owners []string
}

// writeNotices writes the licences and notices of all modules in the binaries, each text once. A module without any is
// an error: it would be unknown whether it may be distributed.
func writeNotices(out io.Writer, binaries []string) error {
	modules, err := modulesOf(binaries)
	if err != nil {
		return err
	}
	var notices []notice
	for _, module := range modules {
		texts, err := textsOf(module)
		if err != nil {
			return err
		}
		for _, text := range texts {
			notices = add(notices, text, module.Path+" "+module.Version)
		}
	}
	fmt.Fprintf(out, "Pocket Fisherman contains %d modules of others. Their licences and notices:\n", len(modules))
	for _, each := range notices {
		fmt.Fprintf(out, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 100), strings.Join(each.owners, "\n"), strings.TrimSpace(each.text))
	}
	writeLesser(out, notices)
	return nil
}

// modulesOf lists every module of the binaries once, by path; the standard library first.
func modulesOf(binaries []string) ([]*debug.Module, error) {
	known := make(map[string]*debug.Module)
	var version string
	for _, path := range binaries {
		build, err := readBuild(path)
		if err != nil {
			return nil, err
		}
		version = build.GoVersion
		for _, module := range dependencies(build) {
			known[module.Path+"@"+module.Version] = module
		}
	}
	listed := []*debug.Module{{Path: "std", Version: version}}
	for _, module := range known {
		listed = append(listed, module)
	}
	slices.SortFunc(listed[1:], func(a, b *debug.Module) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Version, b.Version))
	})
	return listed, nil
}

// textsOf returns the licences and notices in a module's directory.
func textsOf(module *debug.Module) ([]string, error) {
	directory, err := directoryOf(module)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(directory)
	if err != nil {
		return nil, fmt.Errorf("look for the licence of %s: %w", module.Path, err)
	}
	var texts []string
	for _, entry := range entries {
		if !entry.Type().IsRegular() || !isNotice(entry.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(directory, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the licence of %s: %w", module.Path, err)
		}
		texts = append(texts, string(text))
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("%s %s has no licence file in %s", module.Path, module.Version, directory)
	}
	return texts, nil
}

func isNotice(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(noticeFiles, func(known string) bool {
		rest, ok := strings.CutPrefix(name, known)
		return ok && (rest == "" || strings.ContainsAny(rest[:1], ".-_s")) && filepath.Ext(name) != ".go"
	})
}

// directoryOf returns the directory of a module's files in the module cache, and downloads them if necessary.
func directoryOf(module *debug.Module) (string, error) {
	if module.Path == "std" {
		return goRoot()
	}
	var told bytes.Buffer
	command := exec.Command("go", "mod", "download", "-json", module.Path+"@"+module.Version)
	command.Stdout = &told
	runErr := command.Run()
	var found struct{ Dir, Error string }
	if err := json.Unmarshal(told.Bytes(), &found); err != nil {
		return "", fmt.Errorf("find %s: %w", module.Path, errors.Join(runErr, err))
	}
	if found.Error != "" || runErr != nil {
		return "", fmt.Errorf("find %s: %s", module.Path, cmp.Or(found.Error, fmt.Sprint(runErr)))
	}
	return found.Dir, nil
}

func goRoot() (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("find the Go toolchain (%s): %w", runtime.Version(), err)
	}
	return strings.TrimSpace(string(root)), nil
}

// add records a text's owner; texts that differ only in spacing are stored once.
func add(notices []notice, text, owner string) []notice {
	same := strings.Join(strings.Fields(text), " ")
	for i := range notices {
		if strings.Join(strings.Fields(notices[i].text), " ") == same {
			notices[i].owners = append(notices[i].owners, owner)
			return notices
		}
	}
	return append(notices, notice{text: text, owners: []string{owner}})
}
