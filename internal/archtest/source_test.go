package archtest

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	// root is the module's folder as seen from this package.
	root = "../.."
	// modulePath is the prefix of the module's own import paths.
	modulePath = "github.com/pocket-fisherman/fisherman/"
)

// finding is a violation of a rule.
type finding struct {
	// file is relative to the root, with slashes. It is a folder when line is 0.
	file string
	line int
	text string
}

func (f finding) String() string {
	if f.line == 0 {
		return f.file + ": " + f.text
	}
	return fmt.Sprintf("%s:%d: %s", f.file, f.line, f.text)
}

// folder is a package's folder with what its files say without types.
type folder struct {
	path  string
	files []source
}

// source is one Go file.
type source struct {
	// path is relative to the root, with slashes.
	path    string
	pkg     string
	test    bool
	imports []imported
	// comment is the text above the package clause.
	comment string
}

type imported struct {
	path string
	line int
}

// own returns the folder that an import path names, if it is this module's.
func (i imported) own() (folder string, ok bool) { return strings.CutPrefix(i.path, modulePath) }

// readTree parses the Go files below a folder up to their imports. Modules within, hidden folders and testdata are left
// out, as the go command does.
func readTree(t *testing.T, top string) []folder {
	t.Helper()
	byPath := make(map[string]*folder)
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return skipped(top, path, entry.Name())
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		relative, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		file, err := readFile(path, filepath.ToSlash(relative))
		if err != nil {
			return err
		}
		directory := filepath.ToSlash(filepath.Dir(relative))
		if byPath[directory] == nil {
			byPath[directory] = &folder{path: directory}
		}
		byPath[directory].files = append(byPath[directory].files, file)
		return nil
	})
	if err != nil {
		t.Fatalf("read source below %s: %v", top, err)
	}
	if len(byPath) == 0 {
		t.Fatalf("no Go file below %s", top)
	}
	var folders []folder
	for _, path := range slices.Sorted(maps.Keys(byPath)) {
		folders = append(folders, *byPath[path])
	}
	return folders
}

// skipped returns filepath.SkipDir for a folder that is not part of the module.
func skipped(top, path, name string) error {
	if path == top {
		return nil
	}
	if name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return filepath.SkipDir
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	switch {
	case err == nil:
		return filepath.SkipDir
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}

func readFile(path, relative string) (source, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, path, nil, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return source{}, err
	}
	file := source{
		path:    relative,
		pkg:     parsed.Name.Name,
		test:    strings.HasSuffix(path, "_test.go"),
		comment: parsed.Doc.Text(),
	}
	for _, spec := range parsed.Imports {
		file.imports = append(file.imports, imported{
			path: strings.Trim(spec.Path.Value, "`\""),
			line: files.Position(spec.Pos()).Line,
		})
	}
	return file, nil
}

// fail reports every finding.
func fail(t *testing.T, findings []finding) {
	t.Helper()
	for _, f := range findings {
		t.Error(f)
	}
}

// wantTexts compares findings as text, in any order.
func wantTexts(t *testing.T, findings []finding, want ...string) {
	t.Helper()
	var got []string
	for _, f := range findings {
		got = append(got, f.String())
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("findings:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}
