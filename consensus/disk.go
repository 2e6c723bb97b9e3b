package consensus

// room is what has to fit on the disk before a chain that halted goes on: some minutes of blocks, with what the
// databases write when they are opened.
const room = 32 << 20

// reserve is the space at which a chain halts before a write fails: more than a block with its state, several times
// over. Statistics and quotas may not show that a disk is full, so that writes may fail all the same.
const reserve = 16 << 20

// failure is an error of CometBFT's: what it says, bounded, and the cause, if CometBFT passes it on.
type failure struct {
	text  string
	cause error
}

// Error is what CometBFT said.
func (f failure) Error() string { return f.text }

// Unwrap is the cause; nil if only its text is known.
func (f failure) Unwrap() error { return f.cause }
