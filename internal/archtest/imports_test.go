package archtest

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

func TestImportsFollowTheTable(t *testing.T) {
	fail(t, checkImports(table, departures, readTree(t, root)))
}

func TestTableRunsDown(t *testing.T) {
	fail(t, checkTable(table))
}

func TestNoVagueNamesAndNoOldRandomness(t *testing.T) {
	tree := readTree(t, root)
	fail(t, checkNames(tree))
	fail(t, checkRandom(tree))
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	fail(t, checkDocs(readTree(t, root)))
}

// vague lists names that say nothing about the code.
var vague = []string{"util", "utils", "common", "helper", "helpers", "misc"}

// checkImports finds imports that the table forbids, folders that it does not list, and unneeded departures.
func checkImports(rows []row, granted []departure, tree []folder) []finding {
	var found []finding
	needed := make(map[departure]bool)
	for _, f := range tree {
		index := find(rows, f.path)
		if index < 0 {
			found = append(found, finding{file: f.path, text: "folder is not in the import table: add it to a row of internal/archtest/table_test.go"})
			continue
		}
		for _, file := range f.files {
			if file.test && !rows[index].tests {
				continue
			}
			for _, spec := range file.imports {
				to, own := spec.own()
				if !own || allows(rows, index, to) {
					continue
				}
				if known := slices.IndexFunc(granted, func(d departure) bool { return d.from == f.path && d.to == to }); known >= 0 {
					needed[granted[known]] = true
					continue
				}
				found = append(found, finding{file.path, spec.line, fmt.Sprintf("%s may not import %s; it may import: %s", f.path, to, may(rows[index]))})
			}
		}
	}
	for _, d := range granted {
		if !needed[d] {
			found = append(found, finding{file: d.from, text: "departure for importing " + d.to + " is not needed: remove it"})
		}
	}
	return found
}

func may(r row) string {
	if len(r.may) == 0 {
		return "nothing of this module"
	}
	return strings.Join(r.may, ", ")
}

// checkTable finds folders that are in two rows, and rows that may import upwards.
func checkTable(rows []row) []finding {
	var found []finding
	indexes := make(map[string]int)
	for index, r := range rows {
		for _, f := range r.folders {
			if _, twice := indexes[f]; twice {
				found = append(found, finding{file: f, text: "folder is in two rows"})
			}
			indexes[f] = index
		}
	}
	for index, r := range rows {
		for _, allowed := range r.may {
			if allowed != below && !leadsDown(rows, index, allowed) {
				found = append(found, finding{file: r.folders[0], text: "row may import " + allowed + ", which is not below it"})
			}
		}
	}
	return found
}

// leadsDown reports whether a name in a row's may stands for folders, all of lower rows.
func leadsDown(rows []row, index int, allowed string) bool {
	known := false
	for other, r := range rows {
		for _, f := range r.folders {
			if isAtOrBelow(f, allowed) {
				if other <= index {
					return false
				}
				known = true
			}
		}
	}
	return known
}

// checkNames finds packages and folders whose name says nothing.
func checkNames(tree []folder) []finding {
	var found []finding
	for _, f := range tree {
		for _, name := range []string{path.Base(f.path), strings.TrimSuffix(f.files[0].pkg, "_test")} {
			if slices.Contains(vague, name) {
				found = append(found, finding{file: f.path, text: fmt.Sprintf("package is named %q: name it after what it holds", name)})
				break
			}
		}
	}
	return found
}

// checkRandom finds the first math/rand: its generator can be seeded globally and differs between releases.
func checkRandom(tree []folder) []finding {
	var found []finding
	for _, f := range tree {
		for _, file := range f.files {
			for _, spec := range file.imports {
				if spec.path == "math/rand" {
					found = append(found, finding{file.path, spec.line, "math/rand is not used: math/rand/v2 or crypto/rand"})
				}
			}
		}
	}
	return found
}

// checkDocs finds packages without a doc.go whose comment begins as the go command expects it.
func checkDocs(tree []folder) []finding {
	var found []finding
	for _, f := range tree {
		doc := slices.IndexFunc(f.files, func(file source) bool { return path.Base(file.path) == "doc.go" })
		if doc < 0 {
			found = append(found, finding{file: f.path, text: "package has no doc.go"})
			continue
		}
		file := f.files[doc]
		begin := "Package " + file.pkg + " "
		if file.pkg == "main" {
			begin = "Command " + path.Base(f.path) + " "
		}
		if !strings.HasPrefix(file.comment, begin) {
			found = append(found, finding{file.path, 1, fmt.Sprintf("package comment does not begin with %q", begin)})
		}
	}
	return found
}
