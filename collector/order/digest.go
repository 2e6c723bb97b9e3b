package order

import (
	"encoding/hex"
	"fmt"
)

// Digest is the SHA-256 of a statement. The zero value stands for one that is not known.
type Digest [32]byte

// Known reports whether the digest is one.
func (d Digest) Known() bool { return d != Digest{} }

// MarshalText returns the digest in hex; nothing if it is not known.
func (d Digest) MarshalText() ([]byte, error) {
	if !d.Known() {
		return nil, nil
	}
	return hex.AppendEncode(nil, d[:]), nil
}

// UnmarshalText reads what MarshalText returns.
func (d *Digest) UnmarshalText(text []byte) error { return readHex(d[:], text) }

// Instance is the random name that a fisherman's data folder has.
type Instance [16]byte

// MarshalText returns the name in hex.
func (i Instance) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, i[:]), nil }

// UnmarshalText reads what MarshalText returns.
func (i *Instance) UnmarshalText(text []byte) error { return readHex(i[:], text) }

// String returns the name in hex.
func (i Instance) String() string { return hex.EncodeToString(i[:]) }

func readHex(to, text []byte) error {
	if len(text) == 0 {
		clear(to)
		return nil
	}
	if len(text) != hex.EncodedLen(len(to)) {
		return fmt.Errorf("%d hex digits, not %d", len(text), hex.EncodedLen(len(to)))
	}
	_, err := hex.Decode(to, text)
	return err
}
