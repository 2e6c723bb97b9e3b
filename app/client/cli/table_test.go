package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
)

// tables has the files in which commands make tables, with how many they make and whose they are. A table that is new fails
// TestEveryTableHasCSV until its command is listed here, and offers --output csv.
var tables = map[string]struct {
	calls    int
	commands []string
}{
	"compare/output.go":       {0, []string{"pocket compare"}},
	"fisherman/check_text.go": {1, []string{"pocket fisherman check"}},
	"fisherman/dry_run.go":    {1, []string{"pocket fisherman start"}},
	"fisherman/evidence.go":   {1, []string{"pocket fisherman evidence"}},
	"fisherman/fisherman.go":  {3, []string{"pocket fisherman qos"}},
	"keys/result.go":          {1, []string{"pocket keys list"}},
	"localnet/localnet.go":    {1, []string{"pocket localnet"}},
	"query/chain.go":          {1, []string{"pocket query params"}},
	"query/query.go":          {3, []string{"pocket query session", "pocket query actors", "pocket query account"}},
	"servicer/servicer.go":    {3, []string{"pocket servicer relays"}},
	"shannon/session.go":      {1, []string{"pocket shannon session"}},
	"shannon/finding.go":      {0, []string{"pocket shannon doctor"}},
	"fisherman/verify.go":     {0, []string{"pocket fisherman verify"}},
}

// tableMakers are the functions of package terminal that make tables.
var tableMakers = map[string]bool{"Table": true, "ReportText": true, "WindowsText": true}

func TestEveryTableHasCSV(t *testing.T) {
	found := make(map[string]int)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			if call, is := node.(*ast.SelectorExpr); is {
				if of, is := call.X.(*ast.Ident); is && of.Name == "terminal" && tableMakers[call.Sel.Name] {
					found[filepath.ToSlash(path)]++
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, calls := range found {
		if listed := tables[path]; listed.calls != calls {
			t.Errorf("%s makes %d tables, %d are listed: list them with their commands, which need --output csv", path, calls, listed.calls)
		}
	}
	csv := make(map[string]bool)
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if flag := c.Flags().Lookup("output"); flag != nil {
			csv[c.CommandPath()] = strings.Contains(flag.Value.Type(), command.OutputCSV)
		}
		for _, child := range c.Commands() {
			walk(child)
		}
	}
	walk(newRoot(command.Streams{}))
	for path, listed := range tables {
		if listed.calls != found[path] {
			t.Errorf("%s makes %d tables, %d are listed", path, found[path], listed.calls)
		}
		for _, name := range listed.commands {
			if !csv[name] {
				t.Errorf("%q shows a table and has no --output csv", name)
			}
		}
	}
}
