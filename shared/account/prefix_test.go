package account

import (
	"strings"
	"testing"
)

func TestIsPrefix(t *testing.T) {
	key, err := NewPrivateKey([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	whole := key.Address()
	for text, want := range map[string]bool{
		whole: false, whole[:42]: true, whole[:8]: true, whole[:7]: false, whole + "q": false, whole + strings.Repeat("q", 20): false,
		"pokt1bqq": false, "pokt1Qqq": false, "cosmos1q": false, "pokt1qq\x1b": false, "": false, whole[:42] + "b": false,
	} {
		if got := IsPrefix(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
