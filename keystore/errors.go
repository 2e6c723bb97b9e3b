package keystore

import "errors"

// Errors that callers distinguish. Each is wrapped with the file or address that it concerns.
var (
	// ErrUnknownKey is returned when the store holds no key of the address.
	ErrUnknownKey = errors.New("unknown key")
	// ErrKeyExists is returned when the store already holds a key of the address; nothing was changed.
	ErrKeyExists = errors.New("key exists already")
	// ErrWrongPassphrase is returned when the passphrase does not decrypt the key.
	ErrWrongPassphrase = errors.New("wrong passphrase")
	// ErrOtherType is returned when the key is of another type than its use needs.
	ErrOtherType = errors.New("key of another type")
	// ErrAmbiguous is returned when several keys have the label, or an address that begins so.
	ErrAmbiguous = errors.New("ambiguous name")
	// ErrForeign is returned when the file is not a key file of this format.
	ErrForeign = errors.New("not a pocket key file")
	// ErrDamaged is returned when the file is a key file, but its parts contradict each other.
	ErrDamaged = errors.New("damaged key file")
	// ErrExposed is returned when others than the owner can read the key file or write into the directory.
	ErrExposed = errors.New("permissions too open")
	// ErrUnusable is returned when the directory or a file in it cannot be read or written.
	ErrUnusable = errors.New("unusable")
	// ErrBadLabel is returned when the label is too long or not printable.
	ErrBadLabel = errors.New("bad label")
	// ErrNoPassphrase is returned when a key would be encrypted with an empty passphrase.
	ErrNoPassphrase = errors.New("empty passphrase")
)
