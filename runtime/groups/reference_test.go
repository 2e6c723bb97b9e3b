package groups

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

// row is a line of a table of keys in docs/endpoints_configuration.md.
var row = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| ([^|]*) \\|")

// Every key is in the reference and in the code, and its default is what the reference says.
func TestReferenceOfKeys(t *testing.T) {
	page, err := os.ReadFile("../../docs/endpoints_configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	r := newReader("f.yaml", environment)
	for heading, test := range map[string]struct {
		fields []field
		// with returns a configuration with a line, or without it if it is empty.
		with func(line string) string
	}{
		"## The file\n": {r.top(new(Config)), func(line string) string { return line + "\n" + inGroup() }},
		"## What is kept\n": {r.ofHistory(new(configs.History)), func(line string) string {
			if line == "" {
				return inGroup()
			}
			return "history:\n  " + line + "\n" + inGroup()
		}},
		"## The feed\n": {r.ofFeed(new(configs.Feed)), func(line string) string {
			if line == "" {
				return inGroup()
			}
			return "feed:\n  nats: nats://nats.example\n  " + line + "\n" + inGroup()
		}},
		"## A group\n": {r.ofGroup(new(Group), make(claims)), func(line string) string { return inGroup(line) }},
		"## A target\n": {r.ofTarget(new(Target), make(claims)), func(line string) string {
			return inGroup() + "      - name: three\n        url: https://three.example\n        " + line + "\n"
		}},
		"## An application\n": {r.ofShannon(new(Shannon)), func(line string) string { return suppliers() + "      " + line + "\n" }},
	} {
		_, section, found := strings.Cut(string(page), heading)
		if !found {
			t.Fatalf("no heading %q", heading)
		}
		section, _, _ = strings.Cut(section, "\n## ")
		documented := make(map[string]string)
		for _, match := range row.FindAllStringSubmatch(section, -1) {
			documented[match[1]] = match[2]
		}
		for _, field := range test.fields {
			value, found := documented[field.name]
			delete(documented, field.name)
			if !found {
				t.Errorf("%s: %s is not in the reference", heading, field.name)
			}
			literal := strings.Trim(value, "`")
			if literal == value {
				continue // said in words
			}
			if with, without := parse(t, test.with(field.name+": "+literal)), parse(t, test.with("")); !reflect.DeepEqual(with, without) {
				t.Errorf("%s: %s is not %s by default", heading, field.name, literal)
			}
		}
		for name := range documented {
			t.Errorf("%s: %s is in the reference and not in the code", heading, name)
		}
	}
}

// The example has every key of a configuration and a group, in a comment at least, and what it says to be a default is one.
func TestExampleHasEveryKey(t *testing.T) {
	r := newReader("f.yaml", environment)
	for _, fields := range [][]field{r.top(new(Config)), r.ofHistory(new(configs.History)), r.ofGroup(new(Group), make(claims)), r.ofTarget(new(Target), make(claims)), r.ofShannon(new(Shannon)), r.ofFeed(new(configs.Feed))} {
		for _, field := range fields {
			if !regexp.MustCompile(`(^|[ {#-])` + field.name + `:`).MatchString(strings.ReplaceAll(Example(), "\n", " ")) {
				t.Errorf("%s is not in the example", field.name)
			}
		}
	}
	example := parse(t, Example())
	group, want := example.Groups[0], DefaultGroup()
	want.Name, want.Chain, want.Catalogue, want.MaxLag, want.Control, want.Targets =
		group.Name, ChainEVM, "evm-values", group.MaxLag, group.Control, group.Targets
	if !reflect.DeepEqual(group, want) {
		t.Errorf("the example's group %+v\nis not the default %+v", group, want)
	}
	defaults := Default()
	defaults.Groups, defaults.Data = example.Groups, filepath.Join("/etc", defaults.Data)
	if !reflect.DeepEqual(example, defaults) {
		t.Errorf("the example %+v\nis not the default %+v", example, defaults)
	}
}
