package keystore

import "errors"

// Errors that a caller decides on. Each comes wrapped with the file or address that it is about.
var (
	// ErrUnknownKey: the store holds no key of the address.
	ErrUnknownKey = errors.New("unknown key")
	// ErrKeyExists: the store already holds a key of the address; nothing was changed.
	ErrKeyExists = errors.New("key exists already")
	// ErrWrongPassphrase: the passphrase does not open the key.
	ErrWrongPassphrase = errors.New("wrong passphrase")
	// ErrForeign: the file is no key file of this format.
	ErrForeign = errors.New("not a pocket key file")
	// ErrDamaged: the file is a key file, but its parts do not fit together.
	ErrDamaged = errors.New("damaged key file")
	// ErrExposed: others than the owner can read the key file or write into the directory.
	ErrExposed = errors.New("permissions too open")
	// ErrUnusable: the directory or a file in it cannot be read or written.
	ErrUnusable = errors.New("unusable")
	// ErrBadLabel: the label is too long or does not print.
	ErrBadLabel = errors.New("bad label")
	// ErrNoPassphrase: a key cannot be encrypted with an empty passphrase.
	ErrNoPassphrase = errors.New("empty passphrase")
)
