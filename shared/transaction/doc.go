// Package transaction seals and opens transactions. Its central type is Signed: a transaction and the account that
// signed it.
//
// Seal marshals a transaction, signs those bytes and wraps them in an envelope; Open reads an envelope strictly
// (bounded size, no unknown fields, exactly one message) and checks the signature over exactly the bytes that were
// received. Package utility decides whether a transaction may change the state. A Refusal has the code and the reason.
package transaction
