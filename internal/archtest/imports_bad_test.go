package archtest

import "testing"

// badTable has the rows of the tree in testdata/tree.
var badTable = []row{
	{folders: []string{"top"}, may: []string{"middle"}, tests: true},
	{folders: []string{"middle", "middle/part"}, may: []string{"bottom"}},
	{folders: []string{"bottom"}},
	{folders: []string{"util", "named"}},
}

func TestImportRulesFail(t *testing.T) {
	tree := readTree(t, "testdata/tree")
	granted := []departure{{from: "bottom", to: "top"}, {from: "middle", to: "top"}}
	wantTexts(t, checkImports(badTable, granted, tree),
		"top/top.go:6: top may not import bottom; it may import: middle",
		"top/top_test.go:3: top may not import bottom; it may import: middle",
		"middle/middle.go:4: middle may not import unheard/of; it may import: bottom",
		"bottom/bottom.go:5: bottom may not import middle; it may import: nothing of this module",
		"stray: folder is not in the import table: add it to a row of internal/archtest/table_test.go",
		"middle: departure for importing top is not needed: remove it",
	)
}

func TestTableRulesFail(t *testing.T) {
	wantTexts(t, checkTable([]row{
		{folders: []string{"a"}, may: []string{"b", "b/c", "d", below}},
		{folders: []string{"b", "b/c"}, may: []string{"a", "b"}},
		{folders: []string{"a"}},
	}),
		"a: folder is in two rows",
		"a: row may import d, which is not below it",
		"b: row may import a, which is not below it",
		"b: row may import b, which is not below it",
	)
}

func TestBelowAllowsLowerRowsOnly(t *testing.T) {
	rows := []row{{folders: []string{"a"}}, {folders: []string{"b"}, may: []string{below}}, {folders: []string{"c"}}}
	for folder, want := range map[string]bool{"a": false, "b": true, "c": true, "c/d": false, "x": false} {
		if got := allows(rows, 1, folder); got != want {
			t.Errorf("b may import %s: %v, want %v", folder, got, want)
		}
	}
}

func TestNameRulesFail(t *testing.T) {
	tree := readTree(t, "testdata/tree")
	wantTexts(t, checkNames(tree),
		`util: package is named "util": name it after what it holds`,
		`named: package is named "helpers": name it after what it holds`,
	)
	wantTexts(t, checkRandom(tree),
		"stray/stray_test.go:3: math/rand is not used: math/rand/v2 or crypto/rand",
	)
}

func TestDocRulesFail(t *testing.T) {
	wantTexts(t, checkDocs(readTree(t, "testdata/tree")),
		"bottom: package has no doc.go",
		`middle/doc.go:1: package comment does not begin with "Package middle "`,
		`middle/part/doc.go:1: package comment does not begin with "Command part "`,
		"named: package has no doc.go",
		"stray: package has no doc.go",
	)
}
