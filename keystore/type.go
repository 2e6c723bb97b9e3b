package keystore

import "fmt"

// Type is the kind of a key, which decides what it can sign.
type Type uint8

// Types of keys.
const (
	// Ed25519 keys belong to actors of our own chain. A file that names no type has one.
	Ed25519 Type = iota
	// Secp256k1 keys belong to accounts of the live Pocket network.
	Secp256k1
)

// typeNames are the names of types in files and output.
var typeNames = map[Type]string{Ed25519: "ed25519", Secp256k1: "secp256k1"}

// typeOf returns the type of a name.
func typeOf(name string) (found Type, known bool) {
	for each, named := range typeNames {
		if named == name {
			return each, true
		}
	}
	return 0, false
}

// String returns the type's name.
func (t Type) String() string {
	if name, known := typeNames[t]; known {
		return name
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// MarshalText returns the type's name.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads a type's name. Errors: ErrForeign.
func (t *Type) UnmarshalText(name []byte) error {
	found, known := typeOf(string(name))
	if !known {
		return fmt.Errorf("%w: unknown type of key", ErrForeign)
	}
	*t = found
	return nil
}

// purposes say what keys of a type are for.
var purposes = map[Type]string{Ed25519: "of an actor of our own chain", Secp256k1: "of an account of the live Pocket network"}

// otherType returns an error unless the types are the same. Errors: ErrOtherType.
func otherType(is, wanted Type) error {
	if is == wanted {
		return nil
	}
	return fmt.Errorf("%w: it is a key %s (%s), and this needs one %s (%s)", ErrOtherType, purposes[is], is, purposes[wanted], wanted)
}
