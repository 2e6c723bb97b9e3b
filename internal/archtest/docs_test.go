package archtest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestDocumentsNameWhatExists(t *testing.T) {
	fail(t, checkDocuments(t, root, documents(t, root)))
}

func TestLayoutIsDocumented(t *testing.T) {
	layout, err := os.ReadFile(filepath.Join(root, "docs/development/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	fail(t, checkLayout(readTree(t, root), string(layout)))
}

func TestDecisionsAreIndexed(t *testing.T) {
	fail(t, checkDecisions(t, filepath.Join(root, "docs/adr")))
}

func TestDocumentRulesFail(t *testing.T) {
	const top = "testdata/documents"
	wantTexts(t, checkDocuments(t, top, documents(t, top)),
		"README.md:3: names absent.md, which does not exist",
		"README.md:4: names gone/file.go, which does not exist",
		"below/README.md:1: names ../absent.md#part, which does not exist",
	)
	wantTexts(t, checkDecisions(t, "testdata/decisions"),
		"README.md: has [0002](0002-twice.md) | Two | 2 times",
		"README.md:7: [0003](0003-gone.md) | Three | is no decision with that title",
		"README.md:8: [0004](0004-renamed.md) | Four | is no decision with that title",
		"README.md: has [0004](0004-renamed.md) | Number four | 0 times",
	)
	wantTexts(t, checkLayout([]folder{{path: "a"}, {path: "a/b"}, {path: "c"}}, "| `a/` | |\n| ● `c/` | |"),
		"a/b: folder is not in the layout table of docs/development/README.md",
	)
}

var (
	// link is a Markdown link; its target is the group.
	link = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// named is a path of a file in backquotes: with a folder, and with an ending that source has.
	named = regexp.MustCompile("`([A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)+\\.(?:go|proto|json|py|md|mod|feature))`")
)

// documents returns the Markdown files below a folder, relative to it.
func documents(t *testing.T, top string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return skipped(top, path, entry.Name())
		case filepath.Ext(path) != ".md":
			return nil
		}
		relative, err := filepath.Rel(top, path)
		paths = append(paths, filepath.ToSlash(relative))
		return err
	})
	if err != nil {
		t.Fatalf("read documents below %s: %v", top, err)
	}
	if len(paths) == 0 {
		t.Fatalf("no document below %s", top)
	}
	return paths
}

// checkDocuments finds links to files that do not exist, relative to the document, and names of such files, relative to
// the root.
func checkDocuments(t *testing.T, top string, paths []string) []finding {
	t.Helper()
	var found []finding
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Join(top, path))
		if err != nil {
			t.Fatal(err)
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			absent := func(name, file string) {
				if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
					found = append(found, finding{path, number, "names " + name + ", which does not exist"})
				}
			}
			for _, match := range link.FindAllStringSubmatch(line, -1) {
				target, _, _ := strings.Cut(match[1], "#")
				if target != "" && !strings.Contains(target, "://") {
					absent(match[1], filepath.Join(top, filepath.Dir(path), target))
				}
			}
			for _, match := range named.FindAllStringSubmatch(line, -1) {
				absent(match[1], filepath.Join(top, match[1]))
			}
		}
	}
	return found
}

// checkLayout finds folders with Go files that the layout table does not list.
func checkLayout(tree []folder, layout string) []finding {
	var found []finding
	for _, f := range tree {
		if !strings.Contains(layout, "`"+f.path+"/` |") {
			found = append(found, finding{file: f.path, text: "folder is not in the layout table of docs/development/README.md"})
		}
	}
	return found
}

// checkDecisions finds decision records that their index does not have exactly once with their title, and rows of the
// index that are of no record.
func checkDecisions(t *testing.T, folder string) []finding {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "[0-9]*.md"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no decision in %s: %v", folder, err)
	}
	counts := make(map[string]int)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		heading, _, _ := strings.Cut(string(text), "\n")
		number, title, _ := strings.Cut(strings.TrimPrefix(heading, "# "), " ")
		counts["["+number+"]("+filepath.Base(path)+") | "+title+" |"] = 0
	}
	index, err := os.ReadFile(filepath.Join(folder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var found []finding
	number := 0
	for line := range strings.Lines(string(index)) {
		number++
		row, isRow := strings.CutPrefix(strings.TrimSpace(line), "| [")
		if _, known := counts["["+row]; isRow && known {
			counts["["+row]++
		} else if isRow {
			found = append(found, finding{"README.md", number, "[" + row + " is no decision with that title"})
		}
	}
	for _, row := range slices.Sorted(maps.Keys(counts)) {
		if counts[row] != 1 {
			found = append(found, finding{file: "README.md", text: fmt.Sprintf("has %s %d times", row, counts[row])})
		}
	}
	return found
}
