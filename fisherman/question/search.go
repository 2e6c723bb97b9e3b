package question

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Search finds out who a target is, one question at a time: while Next has a payload, it is asked and the answer handed to
// Take; then Result says what was found. A target of a known kind is asked at most three questions, and one of an unknown
// kind at most three more, one for each kind that it is not.
type Search struct {
	tried, left []ChainKind
	inquiry     Inquiry
	answers     []Reply
	who         Identity
	err         error
}

// NewSearch begins to ask a target of a kind; ChainUnknown is found by trying one after the other. ChainCustom has nothing
// to ask: see NewHeadSearch.
func NewSearch(kind ChainKind) *Search {
	search := &Search{left: []ChainKind{kind}}
	switch kind {
	case ChainCustom:
		return NewHeadSearch(nil)
	case ChainUnknown:
		search.left = []ChainKind{ChainEVM, ChainCometBFT, ChainSolana, ChainCosmos}
	case ChainEVM, ChainCometBFT, ChainCosmos, ChainSolana:
	}
	search.next()
	return search
}

// NewHeadSearch begins to ask a target of a custom catalogue; the head may be nil.
func NewHeadSearch(head *Head) *Search {
	return &Search{tried: []ChainKind{ChainCustom}, inquiry: HeadInquiry(head), who: Identity{Kind: ChainCustom}}
}

func (s *Search) next() {
	s.inquiry, s.answers = Inquiry{}, nil
	if len(s.left) == 0 {
		return
	}
	s.inquiry = Inquiries(s.left[0])
	s.tried, s.left = append(s.tried, s.left[0]), s.left[1:]
}

// Next returns the payload to ask; false when there is none left.
func (s *Search) Next() (types.Payload, bool) {
	if len(s.answers) >= len(s.inquiry.Payloads) {
		return types.Payload{}, false
	}
	return s.inquiry.Payloads[len(s.answers)], true
}

// Take reads the answer to what Next returned.
func (s *Search) Take(answer Reply) {
	s.answers = append(s.answers, answer)
	who, err := s.inquiry.Read(s.answers)
	switch {
	case errors.Is(err, ErrThrottled):
		s.who, s.err = who, err
		s.left = nil
		s.next()
	case err != nil:
		s.fail(err)
		s.next()
	default:
		s.who, s.err = who, nil
	}
}

// fail puts an answer aside that is not of a node of the kind. Of several, the first error is kept, but one of a node that
// cannot answer before all others: it may be of the kind after all.
func (s *Search) fail(err error) {
	if s.err == nil || errors.Is(err, ErrUnable) && !errors.Is(s.err, ErrUnable) {
		s.err = err
	}
	// What does not answer JSON-RPC by JSON-RPC is likely to be a REST gateway.
	if len(s.tried) == 1 && !errors.Is(err, errOtherRPC) {
		slices.Reverse(s.left)
	}
}

// Result returns who the target is, once Next has nothing left. Errors: ErrNotNode, ErrUnable, and ErrThrottled beside what
// is known.
func (s *Search) Result() (Identity, error) {
	if len(s.tried) > 1 && s.who.Kind == ChainUnknown && errors.Is(s.err, ErrNotNode) {
		return Identity{}, fmt.Errorf("asked as %s: %w", kinds(s.tried), s.err)
	}
	return s.who, s.err
}
