package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// Rule names the canonical form of JSON, for evidence that others are to check.
const Rule = "RFC 8785 with exact integers, version 1"

const (
	// MaxElements is how many values JSON may consist of to be compared: elements of arrays and values of members, at
	// every depth. A larger one is ErrTooLarge.
	MaxElements = 1 << 17
	// MaxDepth is how many arrays and objects may lie within each other; a value that nests more of them is ErrTooLarge. It
	// is the bound of encoding/json.
	MaxDepth = 10_000
)

// ErrTooLarge is returned for JSON that has more values than are compared, or nests them more deeply. How a node spells
// the value makes no difference to either.
var ErrTooLarge = errors.New("too many values to compare")

// RuleOf returns the name of the form in which answers are compared; "" for none.
func RuleOf(form types.CompareForm) string {
	switch form {
	case types.CompareForm_COMPARE_FORM_JSON:
		return Rule
	case types.CompareForm_COMPARE_FORM_HEX_NUMBER:
		return Rule + ", hexadecimal numbers without leading zeros in lower case"
	case types.CompareForm_COMPARE_FORM_HEX_DATA:
		return Rule + ", hexadecimal data in lower case"
	}
	return ""
}

// FormOf returns the form of a name; false for a name that is not known.
func FormOf(rule string) (types.CompareForm, bool) {
	for number := range types.CompareForm_name {
		if form := types.CompareForm(number); RuleOf(form) == rule {
			return form, true
		}
	}
	return 0, false
}

// Canonical writes a JSON value in the one form that all spellings of it have: RFC 8785, but that integers keep all of
// their digits (docs/adr/0028). What the ignored pointers name is left out: members of objects vanish, elements of arrays
// become null. Values that the RFC does not admit (a repeated name, half a surrogate, a number beyond a double's range)
// are errors. Errors on which others decide: ErrTooLarge.
//
// Writing what was written gives the same bytes, and two values have the same form only if they are equal: integers by
// every digit, fractions as IEEE 754 doubles.
//
// It makes no tree of the value. One pass checks it and notes where the members of objects are, in their order; a second
// one writes. So it takes memory and time in proportion to the bytes of the text (docs/adr/0050).
func Canonical(text []byte, ignored []types.Pointer) ([]byte, error) {
	if err := valid(text); err != nil {
		return nil, err
	}
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	found := survey{scanner: scanner{text: text}}
	if err := found.value(); err != nil {
		return nil, err
	}
	w := writer{scanner: scanner{text: text}, found: &found, out: make([]byte, 0, len(text))}
	w.value(ignored)
	return w.out, nil
}

// valid checks that a text is JSON.
func valid(text []byte) error {
	if json.Valid(text) {
		return nil
	}
	if deepest(text) > MaxDepth {
		return fmt.Errorf("%w: nested more deeply than %d", ErrTooLarge, MaxDepth)
	}
	return json.Unmarshal(text, new(json.RawMessage)) // says what is wrong
}

// survey is what the first pass finds: for every object, where its members are.
type survey struct {
	scanner
	// objects in the order in which they begin.
	objects []object
	// members of an object stand together, in canonical order.
	members []member
	// decoded holds the names that the text has with escapes.
	decoded []byte

	// open are the members of the objects that have not ended.
	open     []member
	elements int
}

// object is where an object's members are, and where it ends.
type object struct {
	first, count uint32
	end          uint32
	// after is how many objects have begun by its end.
	after uint32
}

// member of an object.
type member struct {
	// name begins here, in the text or, beyond its length, among the decoded ones; size is its length in bytes.
	name, size uint32
	// value begins here; before is how many objects have begun before it.
	value, before uint32
}

func (s *survey) name(m *member) []byte {
	if at := int(m.name) - len(s.text); at >= 0 {
		return s.decoded[at : at+int(m.size)]
	}
	return s.text[m.name : m.name+m.size]
}

// value checks what follows.
func (s *survey) value() error {
	switch s.next() {
	case '[':
		return s.array()
	case '{':
		return s.object()
	case '"':
		raw, escaped := s.quoted()
		if escaped && halfSurrogate(raw) {
			return errors.New("half a surrogate")
		}
		return nil
	}
	literal := s.literal()
	if plain(literal) {
		return nil
	}
	_, _, err := measure(string(literal))
	return err
}

// count counts an element.
func (s *survey) count() error {
	if s.elements++; s.elements > MaxElements {
		return fmt.Errorf("%w: more than %d", ErrTooLarge, MaxElements)
	}
	return nil
}

func (s *survey) array() error {
	for s.at++; s.next() != ']'; {
		if err := s.count(); err != nil {
			return err
		}
		if err := s.value(); err != nil {
			return err
		}
	}
	s.at++
	return nil
}

func (s *survey) object() error {
	this, outer := len(s.objects), len(s.open)
	s.objects = append(s.objects, object{})
	for s.at++; s.next() != '}'; {
		if err := s.count(); err != nil {
			return err
		}
		m := member{name: uint32(s.at) + 1}
		raw, escaped := s.quoted()
		m.size = uint32(len(raw))
		if escaped {
			if halfSurrogate(raw) {
				return errors.New("half a surrogate")
			}
			m.name = uint32(len(s.text) + len(s.decoded))
			s.decoded = unescape(s.decoded, raw)
			m.size = uint32(len(s.text)+len(s.decoded)) - m.name
		}
		s.next()
		m.value, m.before = uint32(s.at), uint32(len(s.objects))
		s.open = append(s.open, m)
		if err := s.value(); err != nil {
			return err
		}
	}
	s.at++
	own := s.open[outer:]
	slices.SortFunc(own, func(a, b member) int { return compareNames(s.name(&a), s.name(&b)) })
	for i := 1; i < len(own); i++ {
		if string(s.name(&own[i])) == string(s.name(&own[i-1])) {
			return fmt.Errorf("member %q twice", text.Line(string(s.name(&own[i])), mostQuoted))
		}
	}
	s.objects[this] = object{first: uint32(len(s.members)), count: uint32(len(own)), end: uint32(s.at), after: uint32(len(s.objects))}
	s.members = append(s.members, own...)
	s.open = s.open[:outer]
	return nil
}

// writer is the second pass.
type writer struct {
	scanner
	found *survey
	out   []byte
	// begun is how many objects have begun before what is written next.
	begun uint32
	// decoded is the last string that the text has with escapes.
	decoded []byte
}

// value writes what follows, without what the pointers name in it.
func (w *writer) value(ignored []types.Pointer) {
	switch w.next() {
	case '[':
		w.array(ignored)
	case '{':
		w.object(ignored)
	case '"':
		raw, escaped := w.quoted()
		if escaped {
			w.decoded = unescape(w.decoded[:0], raw)
			raw = w.decoded
		}
		w.out = quote(w.out, raw)
	default:
		literal := w.literal()
		if plain(literal) {
			w.out = append(w.out, literal...)
			return
		}
		canonical, _ := number(string(literal)) // the first pass has seen to the error
		w.out = append(w.out, canonical...)
	}
}

func (w *writer) array(ignored []types.Pointer) {
	w.at++
	w.out = append(w.out, '[')
	for i := 0; w.next() != ']'; i++ {
		w.separate(i)
		within, whole := through(ignored, func(token string) bool { return token == "*" || token == strconv.Itoa(i) })
		if whole {
			w.begun += w.skip()
			w.out = append(w.out, "null"...)
		} else {
			w.value(within)
		}
	}
	w.at++
	w.out = append(w.out, ']')
}

// object writes the members where the first pass has found them.
func (w *writer) object(ignored []types.Pointer) {
	this := w.found.objects[w.begun]
	w.out = append(w.out, '{')
	written := 0
	for _, m := range w.found.members[this.first : this.first+this.count] {
		name := w.found.name(&m)
		within, whole := through(ignored, func(token string) bool { return token == string(name) })
		if whole {
			continue
		}
		w.separate(written)
		written++
		w.out = append(quote(w.out, name), ':')
		w.at, w.begun = int(m.value), m.before
		w.value(within)
	}
	w.at, w.begun = int(this.end), this.after
	w.out = append(w.out, '}')
}

func (w *writer) separate(i int) {
	if i > 0 {
		w.out = append(w.out, ',')
	}
}

// through follows pointers to an element: whole reports whether one of them names it, within are those that name parts of it.
func through(ignored []types.Pointer, isElement func(token string) bool) (within []types.Pointer, whole bool) {
	for _, pointer := range ignored {
		if !isElement(pointer[0]) {
			continue
		}
		if len(pointer) == 1 {
			return nil, true
		}
		within = append(within, pointer[1:])
	}
	return within, false
}
