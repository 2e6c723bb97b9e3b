package genesis

import (
	"fmt"
	"strings"
)

// FieldError is one value of a genesis that is not allowed.
type FieldError struct {
	// Field is the path of the value, as in "params.qos.timeout" or "actors[3].stake_upokt".
	Field string
	// Value as found: numbers bare, text quoted and shortened, "missing" if there is none.
	Value string
	// Allowed values, in words.
	Allowed string
}

// Error returns one line: the field, the value and the allowed range.
func (e *FieldError) Error() string {
	return e.Field + " is " + e.Value + "; allowed: " + e.Allowed
}

// keptViolations bounds the length of an error, whatever is in the file.
const keptViolations = 10

// violations collects the values of a genesis that are not allowed: the first ones and the total number.
type violations struct {
	kept  []*FieldError
	total int
}

func (v *violations) add(field, value, allowed string) {
	if v.total++; v.total <= keptViolations {
		v.kept = append(v.kept, &FieldError{Field: field, Value: value, Allowed: allowed})
	}
}

// err returns nil if nothing was added.
func (v *violations) err() error {
	if v.total == 0 {
		return nil
	}
	return v
}

// Error returns one line with the first violations and the number of the others.
func (v *violations) Error() string {
	texts := make([]string, 0, len(v.kept)+1)
	for _, violation := range v.kept {
		texts = append(texts, violation.Error())
	}
	if more := v.total - len(v.kept); more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns the FieldErrors, for errors.As.
func (v *violations) Unwrap() []error {
	errs := make([]error, len(v.kept))
	for i, violation := range v.kept {
		errs[i] = violation
	}
	return errs
}

// quoted returns text from a file as one bounded, quoted line.
func quoted(text string) string {
	const most = 80
	if len(text) > most {
		return fmt.Sprintf("%q…", text[:most])
	}
	return fmt.Sprintf("%q", text)
}
