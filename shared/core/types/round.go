package types

// Why returns why a round is void or dropped; CAUSE_UNSPECIFIED for one that is done. A round that was stored by a
// version without causes has CAUSE_OTHER.
func (r *QoSRound) Why() Cause {
	switch {
	case r.GetStatus() == RoundStatus_ROUND_STATUS_DONE:
		return Cause_CAUSE_UNSPECIFIED
	case r.GetCause() == Cause_CAUSE_UNSPECIFIED:
		return Cause_CAUSE_OTHER
	}
	return r.GetCause()
}

// RelayErrorName returns the name of the sample's signed error, such as "NOT_IN_SESSION"; "" without one. Earlier
// versions stored only the code, which was always one of our own chain.
func (s *QoSSample) RelayErrorName() string {
	if s.GetRelayErrorCode() == 0 || s.GetRelayError() != "" {
		return s.GetRelayError()
	}
	return RelayErrorCode(s.GetRelayErrorCode()).Label()
}
