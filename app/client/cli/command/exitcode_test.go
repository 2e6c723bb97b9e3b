package command

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the module's folder as seen from this package.
const root = "../../../.."

// The table in the documents is the one that the help is made from.
func TestDocumentedExitCodes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs/development/README.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := []string{"## Exit codes", "| code | meaning |", "|---|---|"}
	for _, known := range meanings {
		rows = append(rows, fmt.Sprintf("| %d | %s |", known.code, known.text))
	}
	_, section, _ := strings.Cut(string(text), rows[0])
	section, _, _ = strings.Cut(section, "\n## ")
	var documented []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "|") {
			documented = append(documented, strings.TrimSpace(line))
		}
	}
	if !slices.Equal(documented, rows[1:]) {
		t.Errorf("docs/development/README.md has\n%s\nand the commands\n%s", strings.Join(documented, "\n"), strings.Join(rows[1:], "\n"))
	}
}

// TestExitCodesThatDocumentsName: each is one of the table.
func TestExitCodesThatDocumentsName(t *testing.T) {
	named := regexp.MustCompile(`(?i)exit code\s+(\d+)`)
	documents := []string{filepath.Join(root, "README.md")}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			documents = append(documents, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range named.FindAllStringSubmatch(string(text), -1) {
			found++
			code, err := strconv.Atoi(match[1])
			if err != nil || !slices.ContainsFunc(meanings, func(known meaning) bool { return int(known.code) == code }) {
				t.Errorf("%s names exit code %s, which there is not", path, match[1])
			}
		}
	}
	if found == 0 {
		t.Error("no document names an exit code")
	}
}

// TestExitCodesHaveOneMeaning: a code stands in the table once, in order.
func TestExitCodesHaveOneMeaning(t *testing.T) {
	for i, known := range meanings {
		if known.text == "" || i > 0 && known.code <= meanings[i-1].code {
			t.Errorf("code %d (%s) is out of order", known.code, known.text)
		}
		if !strings.Contains(ExitCodesHelp()+"\n", fmt.Sprintf("\n  %-4d %s\n", known.code, known.text)) {
			t.Errorf("the help does not have code %d", known.code)
		}
	}
}
