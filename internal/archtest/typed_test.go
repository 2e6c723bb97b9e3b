package archtest

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

func TestPurePackagesArePure(t *testing.T) {
	loaded := load(t, existing(t, foldersOf(table, func(r row) bool { return r.pure })))
	var declared []string
	for _, pkg := range loaded {
		found, known := checkPure(pkg, tables)
		fail(t, relative(t, found))
		declared = append(declared, known...)
	}
	for _, name := range tables {
		if !slices.Contains(declared, name) {
			t.Errorf("there is no variable %s: take it out of tables", name)
		}
	}
}

func TestStateMachineIsDeterministic(t *testing.T) {
	for _, pkg := range load(t, existing(t, foldersOf(table, func(r row) bool { return r.stateMachine }))) {
		fail(t, relative(t, checkDeterministic(pkg)))
	}
}

func TestPurityRulesFail(t *testing.T) {
	const folder = "internal/archtest/testdata/impure"
	pkg := load(t, []string{folder})[0]
	found, declared := checkPure(pkg, []string{folder + ".table", folder + ".absent"})
	wantAnnounced(t, "testdata/impure", relative(t, found))
	if !slices.Equal(declared, []string{folder + ".table"}) {
		t.Errorf("variables allowed by name: %v", declared)
	}
}

func TestDeterminismRulesFail(t *testing.T) {
	pkg := load(t, []string{"internal/archtest/testdata/chance"})[0]
	wantAnnounced(t, "testdata/chance", relative(t, checkDeterministic(pkg)))
}

// existing returns the folders that hold Go files; the table may list later ones.
func existing(t *testing.T, folders []string) []string {
	t.Helper()
	var present []string
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		if len(files) > 0 {
			present = append(present, folder)
		}
	}
	if len(present) == 0 {
		t.Fatalf("none of %v exists", folders)
	}
	return present
}

// load parses and type-checks the packages in folders, without their tests.
func load(t *testing.T, folders []string) []*packages.Package {
	t.Helper()
	patterns := make([]string, len(folders))
	for i, folder := range folders {
		patterns[i] = "./" + folder
	}
	loaded, err := packages.Load(&packages.Config{
		Context: t.Context(),
		Dir:     root,
		Mode: packages.NeedName | packages.NeedFiles | packages.NeedCompiledGoFiles | packages.NeedImports |
			packages.NeedSyntax | packages.NeedTypes | packages.NeedTypesInfo,
	}, patterns...)
	if err != nil {
		t.Fatalf("load packages: %v", err)
	}
	if len(loaded) != len(folders) {
		t.Fatalf("loaded %d packages of %v", len(loaded), folders)
	}
	for _, pkg := range loaded {
		for _, problem := range pkg.Errors {
			t.Fatalf("load %s: %v", pkg.PkgPath, problem)
		}
	}
	return loaded
}

// relative makes file names relative to the root.
func relative(t *testing.T, found []finding) []finding {
	t.Helper()
	top, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	for i := range found {
		path, err := filepath.Rel(top, found[i].file)
		if err != nil {
			t.Fatal(err)
		}
		found[i].file = filepath.ToSlash(path)
	}
	return found
}

// wantAnnounced compares findings with the comments "// want: TEXT" at the ends of lines, several separated by " | ".
func wantAnnounced(t *testing.T, folder string, found []finding) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, path := range paths {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		for number := 1; lines.Scan(); number++ {
			_, announced, ok := strings.Cut(lines.Text(), "// want: ")
			if !ok {
				continue
			}
			for text := range strings.SplitSeq(announced, " | ") {
				want = append(want, finding{"internal/archtest/" + filepath.ToSlash(path), number, text}.String())
			}
		}
		if err := lines.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if len(want) == 0 {
		t.Fatalf("no finding is announced in %s", folder)
	}
	wantTexts(t, found, want...)
}
