package cli

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/localnet"
	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
)

// referenceFolder is where the command reference lies.
const referenceFolder = "../../../docs/cli"

// reference has a Markdown page for each command, by file name, and an index.
func reference(t *testing.T) map[string]string {
	t.Helper()
	pages := make(map[string]string)
	var index strings.Builder
	index.WriteString("# Command reference\n\nMade from the commands' own help by `make generate`; not written by hand.\n\n")
	var add func(command *cobra.Command)
	add = func(command *cobra.Command) {
		command.DisableAutoGenTag = true // it would have the date
		name := strings.ReplaceAll(command.CommandPath(), " ", "_") + ".md"
		var page bytes.Buffer
		if err := doc.GenMarkdown(command, &page); err != nil {
			t.Fatal(err)
		}
		pages[name] = strings.TrimRight(page.String(), "\n") + "\n"
		index.WriteString("- [" + command.CommandPath() + "](" + name + "): " + command.Short + "\n")
		for _, child := range command.Commands() {
			if child.IsAvailableCommand() && child.Name() != "help" {
				add(child)
			}
		}
	}
	add(newRoot(command.Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}))
	pages["README.md"] = index.String()
	return pages
}

// TestCommandReference: docs/cli is what the commands say of themselves. With -update it is written anew.
func TestCommandReference(t *testing.T) {
	pages := reference(t)
	present, err := filepath.Glob(filepath.Join(referenceFolder, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range present {
		if _, wanted := pages[filepath.Base(path)]; wanted {
			continue
		}
		if !*clienttest.Update {
			t.Errorf("%s is of no command; run 'make generate'", path)
		} else if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if *clienttest.Update {
		if err := os.MkdirAll(referenceFolder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		path := filepath.Join(referenceFolder, name)
		if *clienttest.Update {
			if err := os.WriteFile(path, []byte(pages[name]), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if written, err := os.ReadFile(path); err != nil || string(written) != pages[name] {
			t.Errorf("%s differs from what the command says (%v); run 'make generate'", path, err)
		}
	}
}

// TestCommandReferenceIsTheSameEverywhere: nothing of the machine is in it.
func TestCommandReferenceIsTheSameEverywhere(t *testing.T) {
	before := reference(t)
	for _, variable := range []string{"HOME", "XDG_CONFIG_HOME", "TMPDIR", command.KeysVariable, command.NodeVariable, localnet.GethVariable, command.PassphraseVariable} {
		t.Setenv(variable, t.TempDir())
	}
	if after := reference(t); !maps.Equal(before, after) {
		t.Error("the reference depends on the environment")
	}
}
