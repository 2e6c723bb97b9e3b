package transaction

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/crypto"
)

// MaxBytes is the largest envelope of a transaction, in bytes. A full fisherman access list fits.
const MaxBytes = 16 << 10

// Signed is a transaction with a valid signature.
type Signed struct {
	Transaction *types.Transaction
	// Signer is the address of the account that signed.
	Signer string
	// PublicKey of the signer, 64 lower-case hex digits.
	PublicKey string
}

// Seal signs a transaction. It fails if Open would refuse the result because of its form.
func Seal(key crypto.PrivateKey, transaction *types.Transaction) ([]byte, error) {
	options := proto.MarshalOptions{Deterministic: true}
	body, err := options.Marshal(transaction)
	if err != nil {
		return nil, fmt.Errorf("encode transaction: %w", err)
	}
	envelope, err := options.Marshal(&types.Envelope{
		Body: body,
		Signature: &types.Signature{
			Scheme:    types.SignatureScheme_SIGNATURE_SCHEME_ED25519,
			PublicKey: key.PublicKey(),
			Value:     key.Sign(crypto.DomainTransaction, body),
		},
	})
	if err != nil {
		return nil, fmt.Errorf("encode envelope: %w", err)
	}
	if _, err := Open(envelope); err != nil {
		return nil, fmt.Errorf("seal transaction: %w", err)
	}
	return envelope, nil
}

// Open reads a transaction and checks its signature. The error is a Refusal with one of the codes TOO_LARGE, MALFORMED
// and BAD_SIGNATURE. The result depends on the bytes only.
func Open(raw []byte) (*Signed, error) {
	if len(raw) > MaxBytes {
		return nil, Refuse(types.TransactionCode_TRANSACTION_CODE_TOO_LARGE,
			"the transaction has %d bytes, more than %d", len(raw), MaxBytes)
	}
	envelope, err := readEnvelope(raw)
	if err != nil {
		return nil, malformed(err)
	}
	transaction, err := readBody(envelope.GetBody())
	if err != nil {
		return nil, malformed(err)
	}
	publicKey := envelope.GetSignature().GetPublicKey()
	if !crypto.Verify(publicKey, crypto.DomainTransaction, envelope.GetBody(), envelope.GetSignature().GetValue()) {
		return nil, Refuse(types.TransactionCode_TRANSACTION_CODE_BAD_SIGNATURE,
			"the signature is not that of key %x over this transaction", publicKey)
	}
	return &Signed{
		Transaction: transaction,
		Signer:      crypto.Address(publicKey),
		PublicKey:   hex.EncodeToString(publicKey),
	}, nil
}

func malformed(err error) *Refusal {
	return Refuse(types.TransactionCode_TRANSACTION_CODE_MALFORMED, "%s", err)
}

func readEnvelope(raw []byte) (*types.Envelope, error) {
	envelope := new(types.Envelope)
	if proto.Unmarshal(raw, envelope) != nil {
		return nil, errors.New("the envelope is not a protobuf message")
	}
	signature := envelope.GetSignature()
	switch {
	case hasUnknown(envelope.ProtoReflect()):
		return nil, errors.New("the envelope has fields that are not known")
	case len(envelope.GetBody()) == 0:
		return nil, errors.New("the envelope has no body")
	case signature.GetScheme() != types.SignatureScheme_SIGNATURE_SCHEME_ED25519:
		return nil, fmt.Errorf("signature scheme %d is not known", signature.GetScheme())
	case len(signature.GetPublicKey()) != ed25519.PublicKeySize:
		return nil, fmt.Errorf("the public key has %d bytes, not %d", len(signature.GetPublicKey()), ed25519.PublicKeySize)
	case len(signature.GetValue()) != ed25519.SignatureSize:
		return nil, fmt.Errorf("the signature has %d bytes, not %d", len(signature.GetValue()), ed25519.SignatureSize)
	}
	return envelope, nil
}

// readBody refuses unknown fields: their effect would be signed but silently not carried out.
func readBody(body []byte) (*types.Transaction, error) {
	transaction := new(types.Transaction)
	if proto.Unmarshal(body, transaction) != nil {
		return nil, errors.New("the body is not a protobuf message")
	}
	switch {
	case hasUnknown(transaction.ProtoReflect()):
		return nil, errors.New("the body has fields that are not known")
	case transaction.GetMessage() == nil:
		return nil, errors.New("the body has no message")
	}
	return transaction, nil
}

// hasUnknown reports whether a message or a message nested in it has unknown fields. The messages of this package have
// no maps.
func hasUnknown(message protoreflect.Message) bool {
	found := len(message.GetUnknown()) > 0
	message.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Message() != nil && !field.IsList() {
			found = found || hasUnknown(value.Message())
		}
		return !found
	})
	return found
}
