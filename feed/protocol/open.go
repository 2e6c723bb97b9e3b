package protocol

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Why a message is refused.
var (
	// ErrMalformed is returned when a message is no delivery of a statement, or a field is out of its bounds.
	ErrMalformed = errors.New("the message is malformed")
	// ErrForeign is returned when the key is none that the reader trusts.
	ErrForeign = errors.New("the message is from a key that is not trusted")
	// ErrSignature is returned when the signature is not the key's over the statement.
	ErrSignature = errors.New("the signature is wrong")
	// ErrVersion is returned when the statement is of another version of the format.
	ErrVersion = errors.New("the statement is of another version of the format")
	// ErrSubject is returned when the statement is signed, and was published under a subject that is not its own.
	ErrSubject = errors.New("the statement was published under another subject")
)

// Opened is a statement that its fisherman signed.
type Opened struct {
	*Statement
	PublicKey []byte
	// Digest is the statement's SHA-256, which the next one names.
	Digest [DigestSize]byte
}

// Open returns the statement of a message, or one of the errors above. trusted reports whether a public key's statements are
// read; it is asked before the signature is checked.
func Open(subject string, message []byte, trusted func(publicKey []byte) bool) (*Opened, error) {
	var delivery Delivery
	if len(message) > MaxDelivery || proto.Unmarshal(message, &delivery) != nil {
		return nil, ErrMalformed
	}
	if !trusted(delivery.GetPublicKey()) {
		return nil, ErrForeign
	}
	if !crypto.Verify(delivery.GetPublicKey(), crypto.DomainFeed, delivery.GetStatement(), delivery.GetSignature()) {
		return nil, ErrSignature
	}
	statement := &Statement{}
	if err := proto.Unmarshal(delivery.GetStatement(), statement); err != nil {
		return nil, ErrMalformed
	}
	if statement.GetVersion() != Version {
		return nil, ErrVersion
	}
	if err := statement.check(crypto.Address(delivery.GetPublicKey())); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if subject != Subject(statement.GetNetwork(), statement.GetRelayChain(), statement.GetFisherman()) {
		return nil, ErrSubject
	}
	return &Opened{Statement: statement, PublicKey: delivery.GetPublicKey(), Digest: sha256.Sum256(delivery.GetStatement())}, nil
}

// check returns an error if a field is out of its bounds.
func (s *Statement) check(signer string) error {
	previous := 0
	if s.GetSequence() > 1 {
		previous = DigestSize
	}
	switch {
	case s.GetFisherman() != signer:
		return errors.New("the fisherman's address is not that of its key")
	case types.ValidateOpaque(s.GetNetwork()) != nil:
		return errors.New("the network is no printable text of 1 to 128 bytes")
	case types.ValidateOpaque(s.GetRelayChain()) != nil:
		return errors.New("the relay chain is no printable text of 1 to 128 bytes")
	case ValidatePlace(s.GetPlace()) != nil:
		return errors.New("the place is no printable text of 1 to 64 bytes")
	case len(s.GetInstance()) != InstanceSize:
		return errors.New("the instance has not 16 bytes")
	case s.GetSequence() == 0:
		return errors.New("the sequence is zero")
	case len(s.GetPrevious()) != previous:
		return errors.New("the digest of the statement before has a wrong length")
	case !s.sayable():
		return errors.New("it says nothing, or of no session")
	}
	return nil
}

// ValidatePlace returns an error unless the name of a vantage point is 1 to 64 bytes of printable text.
func ValidatePlace(name string) error {
	if name == "" || len(name) > MaxPlace || text.Printable(name) != name {
		return fmt.Errorf("%q is not 1 to %d bytes of printable text", text.Line(name, MaxPlace), MaxPlace)
	}
	return nil
}
