package transaction

import (
	"fmt"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Refusal is the reason why a transaction is not executed.
type Refusal struct {
	Code types.TransactionCode
	// Reason is one line for people.
	Reason string
}

// Error returns the code's name and the reason.
func (r *Refusal) Error() string { return r.Code.Label() + ": " + r.Reason }

// Refuse returns a Refusal.
func Refuse(code types.TransactionCode, format string, arguments ...any) *Refusal {
	return &Refusal{Code: code, Reason: fmt.Sprintf(format, arguments...)}
}
