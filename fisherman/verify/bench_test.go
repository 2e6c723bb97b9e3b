package verify_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"

	"github.com/pocket-fisherman/fisherman/fisherman/verify"
)

// BenchmarkCanonical writes an answer like a block's in canonical form, beside the library that writes RFC 8785 alone.
func BenchmarkCanonical(b *testing.B) {
	for _, transactions := range []int{0, 100} {
		var list []string
		for i := range transactions {
			list = append(list, fmt.Sprintf(`{"hash":"0x%064x","value":%d,"gas":%d,"input":%q}`, i, 1_000_000+i, 21000, strings.Repeat("ab", 100)))
		}
		text := []byte(`{"header":{"height":"12","time":"2026-11-22T19:19:44Z","proposer":"994EC4548D308C58","parts":{"total":1,"hash":"` + strings.Repeat("F", 64) +
			`"}},"txs":[` + strings.Join(list, ",") + `],"size":1234}`)
		for name, write := range map[string]func() error{
			"own": func() error { _, err := verify.Canonical(text, nil); return err },
			"RFC": func() error { _, err := jcs.Transform(text); return err },
		} {
			b.Run(fmt.Sprintf("%d bytes/%s", len(text), name), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					if err := write(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
