package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/CycloneDX/cyclonedx-go"
)

// self returns this test's own binary, which contains other modules.
func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func output(t *testing.T, arguments ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := run(&out, arguments); err != nil {
		t.Fatalf("%v: %v", arguments, err)
	}
	return out.String()
}

func TestBillNamesWhatIsInTheBinary(t *testing.T) {
	written := output(t, "sbom", self(t))
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(strings.NewReader(written), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	found := map[string]cyclonedx.Component{}
	for _, component := range *bom.Components {
		found[component.Name] = component
	}
	library, ok := found["github.com/CycloneDX/cyclonedx-go"]
	if !ok || library.PackageURL != "pkg:golang/github.com/CycloneDX/cyclonedx-go@"+library.Version {
		t.Errorf("the bill has %+v", library)
	}
	if library.Hashes == nil || len((*library.Hashes)[0].Value) != 64 {
		t.Errorf("hash of a module: %+v", library.Hashes)
	}
	if found["std"].Version == "" {
		t.Error("the standard library is missing")
	}
	if again := output(t, "sbom", self(t)); again != written {
		t.Error("the same binary has another bill the second time")
	}
}

func TestReplacedModulesAreNamedAsBuilt(t *testing.T) {
	build := &debug.BuildInfo{Deps: []*debug.Module{{Path: "a", Version: "v1", Replace: &debug.Module{Path: "b", Version: "v2"}}}}
	if got := dependencies(build); len(got) != 1 || got[0].Path != "b" || got[0].Version != "v2" {
		t.Errorf("dependencies %+v", got[0])
	}
}

func TestNoticesAreThoseOfTheModules(t *testing.T) {
	written := output(t, "notices", self(t))
	for _, want := range []string{"contains 2 modules of others", "github.com/CycloneDX/cyclonedx-go v", "Apache License", "The Go Authors"} {
		if !strings.Contains(written, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

// Binaries with a library under the LGPL come with the GPL's text, and with what that means for who hands them on.
func TestLesserLicence(t *testing.T) {
	const lesser = "                   GNU LESSER GENERAL PUBLIC LICENSE\n                       Version 3, 29 June 2007\n\n Copyright (C) 2007\n"
	var out bytes.Buffer
	writeLesser(&out, []notice{{text: "MIT License", owners: []string{"a v1"}}})
	if out.Len() != 0 {
		t.Errorf("without such a library: %s", out.String())
	}
	writeLesser(&out, []notice{{text: lesser, owners: []string{"ring v1", "dleq v2"}}, {text: "MIT License", owners: []string{"a v1"}}})
	for _, want := range []string{"\n  ring v1\n  dleq v2\n", "redistributes", "GNU GENERAL PUBLIC LICENSE", "END OF TERMS AND CONDITIONS"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(out.String(), "a v1") || isLesser(gpl) {
		t.Error("it names a library under another licence")
	}
}

func TestModuleWithoutLicenceIsRefused(t *testing.T) {
	_, err := textsOf(&debug.Module{Path: "example.invalid/unknown", Version: "v1.0.0"})
	if err == nil {
		t.Error("a module that does not exist has texts")
	}
}

func TestIsNotice(t *testing.T) {
	for name, want := range map[string]bool{
		"LICENSE": true, "LICENSE.txt": true, "License-MIT": true, "LICENCE.md": true, "COPYING": true, "NOTICE": true,
		"NOTICES": true, "PATENTS": true, "license.go": false, "licensee": false, "README.md": false, "copyrighted": false,
	} {
		if got := isNotice(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestEachTextStandsOnce(t *testing.T) {
	var notices []notice
	notices = add(notices, "be  nice\n", "a v1")
	notices = add(notices, "be nice", "b v1")
	notices = add(notices, "be kind", "c v1")
	if len(notices) != 2 || len(notices[0].owners) != 2 {
		t.Errorf("notices %+v", notices)
	}
}

func TestSums(t *testing.T) {
	directory := t.TempDir()
	for name, content := range map[string]string{"b": "", "a": "abc"} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// SHA-256 of "abc" (FIPS 180-4, example) and of nothing.
	const want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b\n"
	if got := output(t, "sums", directory); got != want {
		t.Errorf("sums\n%swant\n%s", got, want)
	}
}

func TestUsage(t *testing.T) {
	for _, arguments := range [][]string{nil, {"sbom"}, {"sbom", "a", "b"}, {"sums", "a", "b"}, {"bake", "a"}} {
		if err := run(new(bytes.Buffer), arguments); err != errUsage {
			t.Errorf("%q: %v", arguments, err)
		}
	}
	if err := run(new(bytes.Buffer), []string{"sbom", "doc.go"}); err == nil {
		t.Error("a text is taken for a binary")
	}
}
