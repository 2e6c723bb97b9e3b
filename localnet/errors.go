package localnet

import "errors"

// Errors that callers distinguish. If New returns one of them, its text is one line for people.
var (
	// ErrBadOption is returned when an option is outside its range, or the options contradict each other.
	ErrBadOption = errors.New("bad option")
	// ErrRecordedOption is returned when an option that was set differs from the one that the home was made with.
	ErrRecordedOption = errors.New("option differs from the home's own")
	// ErrForeignHome is returned when the home directory holds something other than a LocalNet.
	ErrForeignHome = errors.New("not a LocalNet's home")
	// ErrHomeInUse is returned when another LocalNet uses the home directory.
	ErrHomeInUse = errors.New("home is in use")
	// ErrHomeUnusable is returned when the home directory cannot be made, read or written.
	ErrHomeUnusable = errors.New("home is unusable")
	// ErrAddressInUse is returned when an address to listen on is in use.
	ErrAddressInUse = errors.New("address is in use")
	// ErrNoGeth is returned when the Ethereum chain is requested, but no geth is found to serve it.
	ErrNoGeth = errors.New("no geth for the Ethereum chain")
)
