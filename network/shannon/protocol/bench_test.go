package protocol_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/pokt-network/go-dleq/types"
	ring "github.com/pokt-network/ring-go"

	"github.com/pocket-fisherman/fisherman/network/shannon/protocol"
	"github.com/pocket-fisherman/fisherman/wire"
)

var ringSizes = []int{2, 3, 8}

// libraryRing is a ring of ring-go with the context of the second key, and nothing of ours.
func libraryRing(b *testing.B, size int) (*ring.Ring, types.Scalar, *ring.SignerContext) {
	b.Helper()
	curve := ring.Secp256k1()
	var points []types.Point
	for _, key := range ringOf(b, size) {
		point, err := curve.DecodeToPoint(key)
		if err != nil {
			b.Fatal(err)
		}
		points = append(points, point)
	}
	made, err := ring.NewFixedKeyRingFromPublicKeys(curve, points)
	if err != nil {
		b.Fatal(err)
	}
	scalar, err := curve.DecodeToScalar(keyOf(b, 2).Bytes())
	if err != nil {
		b.Fatal(err)
	}
	context, err := made.NewSignerContext(scalar)
	if err != nil {
		b.Fatal(err)
	}
	return made, scalar, context
}

// BenchmarkSign signs with a session's context: by ring-go alone, by our Signer, and with all else that a request takes.
// The issue allows Seal 1.2 times what ring-go takes.
func BenchmarkSign(b *testing.B) {
	for _, size := range ringSizes {
		b.Run(fmt.Sprintf("ring=%d/by=ring-go", size), func(b *testing.B) {
			made, scalar, context := libraryRing(b, size)
			for b.Loop() {
				signature, err := made.SignWithContext([32]byte{1}, scalar, context)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := signature.Serialize(); err != nil {
					b.Fatal(err)
				}
			}
		})
		r := newRig(b)
		signer, err := protocol.NewSigner(r.gateway, ringOf(b, size))
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("ring=%d/by=Signer", size), func(b *testing.B) {
			for b.Loop() {
				if _, err := signer.Sign([32]byte{1}); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("ring=%d/by=Seal", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := protocol.Seal(signer, r.session, r.target, rpc(asked)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSealRatio seals and signs by ring-go alone in turn, so that what else runs on the machine hits both, and reports the
// ratio of the medians.
func BenchmarkSealRatio(b *testing.B) {
	for _, size := range ringSizes {
		b.Run(fmt.Sprintf("ring=%d", size), func(b *testing.B) {
			made, scalar, context := libraryRing(b, size)
			r := newRig(b)
			signer, err := protocol.NewSigner(r.gateway, ringOf(b, size))
			if err != nil {
				b.Fatal(err)
			}
			var ours, library []time.Duration
			for b.Loop() {
				start := time.Now()
				signature, err := made.SignWithContext([32]byte{1}, scalar, context)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := signature.Serialize(); err != nil {
					b.Fatal(err)
				}
				between := time.Now()
				if _, err := protocol.Seal(signer, r.session, r.target, rpc(asked)); err != nil {
					b.Fatal(err)
				}
				ours, library = append(ours, time.Since(between)), append(library, between.Sub(start))
			}
			b.ReportMetric(float64(median(ours))/float64(median(library)), "ratio")
		})
	}
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}

// BenchmarkVerify verifies a ring signature: by ring-go alone, and by ours.
func BenchmarkVerify(b *testing.B) {
	for _, size := range ringSizes {
		made, scalar, context := libraryRing(b, size)
		signature, err := made.SignWithContext([32]byte{1}, scalar, context)
		if err != nil {
			b.Fatal(err)
		}
		serialised, err := signature.Serialize()
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("ring=%d/by=ring-go", size), func(b *testing.B) {
			for b.Loop() {
				read := new(ring.RingSig)
				if read.Deserialize(ring.Secp256k1(), serialised) != nil || !read.Verify([32]byte{1}) {
					b.Fatal("not valid")
				}
			}
		})
		b.Run(fmt.Sprintf("ring=%d/by=ours", size), func(b *testing.B) {
			for b.Loop() {
				if _, err := protocol.VerifyRing([32]byte{1}, serialised); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkOpen opens an answer, beside nothing but checking the supplier's signature.
func BenchmarkOpen(b *testing.B) {
	r := newRig(b)
	request := r.seal(rpc(asked))
	for _, size := range []int{0, 10_000, 1_000_000} {
		body := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":"%0*d"}`, r.id(request), size, 0)
		answer := r.answered(200, body)
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, failure := request.Open(answer); failure != nil {
					b.Fatal(failure)
				}
			}
		})
	}
	b.Run("signature", func(b *testing.B) {
		message, public := make([]byte, 32), r.supplierKey.PublicKey()
		signature := r.supplierKey.Sign(message)
		for b.Loop() {
			if !protocol.VerifySignature(public, message, signature) {
				b.Fatal("not valid")
			}
		}
	})
}

// BenchmarkRound seals the requests of a round of 50 suppliers and opens their answers, one after the other.
func BenchmarkRound(b *testing.B) {
	const suppliers = 50
	for _, size := range ringSizes {
		r := newRig(b)
		signer, err := protocol.NewSigner(r.gateway, ringOf(b, size))
		if err != nil {
			b.Fatal(err)
		}
		requests, answers := make([]*protocol.Request, suppliers), make([]*wire.Answer, suppliers)
		b.Run(fmt.Sprintf("ring=%d/seal", size), func(b *testing.B) {
			for b.Loop() {
				for i := range requests {
					if requests[i], err = protocol.Seal(signer, r.session, r.target, rpc(asked)); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		b.Run(fmt.Sprintf("ring=%d/ring-go", size), func(b *testing.B) {
			made, scalar, context := libraryRing(b, size)
			for b.Loop() {
				for range requests {
					signature, err := made.SignWithContext([32]byte{1}, scalar, context)
					if err != nil {
						b.Fatal(err)
					}
					if _, err := signature.Serialize(); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
		if requests[0] == nil {
			continue // only the other was asked for
		}
		for i, request := range requests {
			answers[i] = r.answered(200, result(r.id(request)))
		}
		b.Run(fmt.Sprintf("ring=%d/open", size), func(b *testing.B) {
			for b.Loop() {
				for i, request := range requests {
					if _, failure := request.Open(answers[i]); failure != nil {
						b.Fatal(failure)
					}
				}
			}
		})
	}
}
