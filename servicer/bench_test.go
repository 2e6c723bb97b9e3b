package servicer_test

import (
	"bytes"
	"testing"

	"github.com/pocket-fisherman/fisherman/servicer"
)

// BenchmarkHandleRelay is what one relay costs a servicer: a good one (over a loopback upstream), and what strangers
// can make it do.
func BenchmarkHandleRelay(b *testing.B) {
	s := newServicer(b, newChain(25), newHonest(b).URL, func(c *servicer.Config) { c.MaxNonces = 1 << 20 })
	spoiled := bytes.Clone(seal(b, applicationKey, newRequest()).Envelope)
	spoiled[len(spoiled)-1] ^= 1
	replayed := seal(b, applicationKey, newRequest()).Envelope
	s.HandleRelay(b.Context(), replayed)

	b.Run("valid", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			sealed := seal(b, applicationKey, newRequest())
			b.StartTimer()
			if response := ask(b, s, sealed); response.GetError() != nil {
				b.Fatalf("refused: %v", response.GetError())
			}
		}
	})
	for _, refused := range []struct {
		name     string
		envelope []byte
	}{
		{"garbage", bytes.Repeat([]byte("garbage "), 64)},
		{"wrong signature", spoiled},
		{"replay", replayed},
		{"stranger", seal(b, strangerKey, newRequest()).Envelope},
	} {
		b.Run(refused.name, func(b *testing.B) {
			for b.Loop() {
				s.HandleRelay(b.Context(), refused.envelope)
			}
		})
	}
}
