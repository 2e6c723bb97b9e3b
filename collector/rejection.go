package collector

import (
	"errors"

	"github.com/pocket-fisherman/fisherman/feed/protocol"
)

// Rejection is why a message has no effect, or not the one that it says.
type Rejection int

// Rejections. What they are about is acknowledged, so that it is not sent again.
const (
	// Malformed is a message that is no delivery of a statement, or one that contradicts itself.
	Malformed Rejection = iota
	// Foreign is from a key that is not trusted.
	Foreign
	// Signature is not signed by the key that it names: it was altered.
	Signature
	// Version is of another version of the format.
	Version
	// Subject was published under a subject that is not its own.
	Subject
	// Altered is signed, and does not fit to the statements around it, or is another one than that of its sequence.
	Altered
	// Reordered is a statement that came after it had been given up.
	Reordered
	// Elsewhere is from another data folder with a key that is being heard.
	Elsewhere
	// Orphan is a round of a session that is not known.
	Orphan
	// Full is a round or session that does not fit into its store.
	Full
	// Chains is about one relay chain more than a fisherman may have.
	Chains

	rejections
)

var rejectionLabels = [rejections]string{"malformed", "foreign", "signature", "version", "subject", "altered", "reordered", "elsewhere",
	"orphan", "full", "chains"}

// Label returns the rejection's name in metrics and in JSON.
func (r Rejection) Label() string { return rejectionLabels[r] }

// Rejections returns all of them.
func Rejections() []Rejection {
	all := make([]Rejection, rejections)
	for i := range all {
		all[i] = Rejection(i)
	}
	return all
}

// rejectionOf returns why a message could not be opened.
func rejectionOf(err error) Rejection {
	switch {
	case errors.Is(err, protocol.ErrForeign):
		return Foreign
	case errors.Is(err, protocol.ErrSignature):
		return Signature
	case errors.Is(err, protocol.ErrVersion):
		return Version
	case errors.Is(err, protocol.ErrSubject):
		return Subject
	}
	return Malformed
}
