package localnet

import "errors"

// Errors that a caller decides on. Every error of New that is one of them is one line for a person.
var (
	// ErrBadOption: an option is outside its range, or the options contradict each other.
	ErrBadOption = errors.New("bad option")
	// ErrRecordedOption: an option that was set differs from the one that the home was made with.
	ErrRecordedOption = errors.New("option differs from the home's own")
	// ErrForeignHome: the home directory holds something else than a LocalNet.
	ErrForeignHome = errors.New("not a LocalNet's home")
	// ErrHomeInUse: another LocalNet runs on the home directory.
	ErrHomeInUse = errors.New("home is in use")
	// ErrHomeUnusable: the home directory cannot be made, read or written.
	ErrHomeUnusable = errors.New("home is unusable")
	// ErrAddressInUse: an address to listen on is occupied.
	ErrAddressInUse = errors.New("address is in use")
	// ErrNoGeth: the Ethereum chain is wanted, but there is no program that serves it.
	ErrNoGeth = errors.New("no geth for the Ethereum chain")
)
