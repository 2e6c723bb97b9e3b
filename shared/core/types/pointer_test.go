package types_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

func TestParsePointer(t *testing.T) {
	for text, want := range map[string][]string{
		"/a":              {"a"},
		"/":               {""},
		"/a/*/b":          {"a", "*", "b"},
		"/a~1b/~0/~01/~1": {"a/b", "~", "~1", "/"},
		"//":              {"", ""},
	} {
		if got, err := types.ParsePointer(text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "a", "a/b", "#/a", "/a~", "/a~2", "/~~0", "/" + strings.Repeat("a", 256)} {
		if got, err := types.ParsePointer(text); err == nil {
			t.Errorf("%.20q: %q", text, got)
		}
	}
	if _, err := types.ParsePointers(slices.Repeat([]string{"/a"}, types.MaxPointers+1)); err == nil {
		t.Error("too many pointers")
	}
	if got, err := types.ParsePointers([]string{"/a", "/b"}); err != nil || len(got) != 2 {
		t.Error(got, err)
	}
	if _, err := types.ParsePointers([]string{"/a", "b"}); err == nil {
		t.Error("one of two is none")
	}
}
