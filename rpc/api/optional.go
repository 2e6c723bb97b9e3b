package api

import "strconv"

// Optional returns a pointer to a value, or nil for the zero value, which stands for none.
func Optional[T comparable](value T) *T {
	var none T
	if value == none {
		return nil
	}
	return &value
}

// Label returns the label of a value of a wire type's enum, or nil for 0, which stands for none.
func Label[Label ~string, Enum interface {
	~int32
	Label() string
}](value Enum) *Label {
	if value == 0 {
		return nil
	}
	label := Label(value.Label())
	return &label
}

// UPOKTOf writes an amount in uPOKT.
func UPOKTOf(amount uint64) UPOKT { return strconv.FormatUint(amount, 10) }

// Stake writes a stake in uPOKT, or returns nil for 0, which stands for one that is not known.
func Stake(amount uint64) *UPOKT {
	if amount == 0 {
		return nil
	}
	return new(UPOKTOf(amount))
}

// Value is what a pointer of Optional points to: the zero value for nil.
func Value[T any](value *T) T {
	if value == nil {
		var none T
		return none
	}
	return *value
}

// NewServicerReport makes an empty report of a servicer.
func NewServicerReport(servicer, serviceURL string) ServicerReport {
	return ServicerReport{Address: servicer, Servicer: servicer, ServiceURL: serviceURL, NullIndices: []uint32{}, Outcomes: Outcomes{},
		Standing: StandingAsked}
}

// KeepOldNames fills the fields of a check's sample that are on their way out.
func (s *CheckSample) KeepOldNames() {
	s.FirstByteMS, s.LastByteMS, s.UserLastByteMS, s.Digest = s.TimeToFirstByte, s.RoundTripTime, s.UserRoundTripTime, Value(s.AnswerDigest)
}

// Sample returns that of a servicer; nil when it was not asked.
func (r CheckReport) Sample(servicer string) *CheckSample {
	for i := range r.Samples {
		if r.Samples[i].Servicer == servicer {
			return &r.Samples[i]
		}
	}
	return nil
}
