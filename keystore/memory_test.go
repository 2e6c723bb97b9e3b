package keystore

import (
	"runtime/metrics"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// heldBytes returns the memory that the Go runtime has of the operating system and has not returned to it.
func heldBytes() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}

// What scrypt takes is returned when a key was made or opened, or could not be opened, and does not add up over several.
func TestMemoryOfAnUnlockIsReturned(t *testing.T) {
	if testing.Short() {
		t.Skip("needs what scrypt takes, at least 64 MiB")
	}
	const work = 16               // 64 MiB
	const taken = 128 * 8 << work // of scrypt, by RFC 7914: 128 * r * N
	store := New(t.TempDir()+"/keys", Config{Work: work})
	key := crypto.KeyFromSeed([32]byte{1})
	before := heldBytes()
	held := func(after string) {
		t.Helper()
		if now := heldBytes(); now > before+taken/4 {
			t.Errorf("after %s, %d MiB are held more than before; scrypt took %d MiB", after, (now-before)>>20, taken>>20)
		}
	}
	if _, err := store.Put(key, "one", "right"); err != nil {
		t.Fatal(err)
	}
	held("making a key")
	for range 3 {
		if _, err := store.Key(key.Address(), "right"); err != nil {
			t.Fatal(err)
		}
	}
	held("opening it three times")
	if _, err := store.Key(key.Address(), "wrong"); err == nil {
		t.Fatal("a wrong passphrase opened the key")
	}
	held("a wrong passphrase")
}
