package types

import "strings"

// Label returns the outcome's short name, as reports and metrics show it: "OK", "TIMEOUT", …
func (o Outcome) Label() string { return label(o.String(), "OUTCOME_") }

// Label returns the blame's short name: "SERVICER", …
func (b Blame) Label() string { return label(b.String(), "BLAME_") }

// Label returns the consistency's short name: "AGREE", …
func (c Consistency) Label() string { return label(c.String(), "CONSISTENCY_") }

// Label returns the status's short name: "DONE", …
func (s RoundStatus) Label() string { return label(s.String(), "ROUND_STATUS_") }

// Label returns the cause's short name: "STALL", …
func (c Cause) Label() string { return label(c.String(), "CAUSE_") }

// Label returns the class's short name: "VALUE", …
func (c AnswerClass) Label() string { return label(c.String(), "ANSWER_CLASS_") }

// Label returns the fitness's short name: "FIT", …
func (f ControlFitness) Label() string { return label(f.String(), "CONTROL_FITNESS_") }

// Label returns the standing as configurations and reports write it: "asked", "unidentified", "other_chain".
func (s Standing) Label() string {
	if s == Standing_STANDING_UNSPECIFIED {
		return "asked"
	}
	return strings.ToLower(label(s.String(), "STANDING_"))
}

// Label returns the kind's short name: "SETTLED", …
func (k RoundKind) Label() string { return label(k.String(), "ROUND_KIND_") }

// Label returns the form's short name: "JSON", …
func (f CompareForm) Label() string { return label(f.String(), "COMPARE_FORM_") }

// Label returns the attempt's short name: "CONNECT", …
func (a Attempt) Label() string { return label(a.String(), "ATTEMPT_") }

// Phrase returns the attempt in words for people: "connect", "read response body", …; "" for none.
func (a Attempt) Phrase() string {
	switch a {
	case Attempt_ATTEMPT_UNSPECIFIED:
		return ""
	case Attempt_ATTEMPT_TLS_HANDSHAKE:
		return "TLS handshake"
	case Attempt_ATTEMPT_PARSE_SERVICE_URL:
		return "parse service URL"
	}
	return strings.ToLower(strings.ReplaceAll(a.Label(), "_", " "))
}

// Label returns the code's short name: "REPLAYED", …
func (c RelayErrorCode) Label() string { return label(c.String(), "RELAY_ERROR_CODE_") }

// Label returns the code's short name: "WRONG_SEQUENCE", …; "OK" for a transaction that was executed.
func (c TransactionCode) Label() string {
	if c == TransactionCode_TRANSACTION_CODE_UNSPECIFIED {
		return "OK"
	}
	return label(c.String(), "TRANSACTION_CODE_")
}

// Label returns the actor type's name in lower case: "servicer", …
func (t ActorType) Label() string { return strings.ToLower(label(t.String(), "ACTOR_TYPE_")) }

// ParseActorType returns the inverse of ActorType.Label.
func ParseActorType(name string) (ActorType, bool) {
	value, ok := ActorType_value["ACTOR_TYPE_"+strings.ToUpper(name)]
	return ActorType(value), ok && value != 0 && name == strings.ToLower(name)
}

func label(name, prefix string) string { return strings.TrimPrefix(name, prefix) }
