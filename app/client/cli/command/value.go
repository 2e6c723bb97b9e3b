package command

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// The types of this file are flag values (pflag.Value) that know their range and say it when they refuse.

// wholeNumber is a flag's integer within [least, most]. With math.MaxInt64 the consumer checks the upper
// bound, and a value that its type cannot hold becomes the greatest that it can.
type wholeNumber struct {
	value, least, most int64
	set                func(int64)
}

// AddNumber adds a flag for an integer within [least, most].
func AddNumber[T int | int64 | uint32 | uint64](flags *pflag.FlagSet, target *T, name string, fallback T, least, most int64, usage string) {
	*target = fallback
	flags.Var(&wholeNumber{int64(fallback), least, most, func(value int64) {
		if *target = T(value); int64(*target) != value {
			*target = ^T(0)
		}
	}}, name, usage)
}

func (n *wholeNumber) String() string { return strconv.FormatInt(n.value, 10) }

func (n *wholeNumber) Set(text string) error {
	number, err := strconv.ParseInt(text, 10, 64)
	switch inRange := err == nil && n.least <= number && number <= n.most; {
	case inRange:
	case n.most == math.MaxInt64 && !errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("want a whole number, %d or more", n.least)
	default:
		return fmt.Errorf("want a whole number from %d to %d", n.least, n.most)
	}
	n.value = number
	n.set(number)
	return nil
}

func (n *wholeNumber) Type() string { return "N" }

// decimal is a flag's number within [least, most].
type decimal struct {
	target      *float64
	least, most float64
}

// AddDecimal adds a flag for a number within [least, most].
func AddDecimal(flags *pflag.FlagSet, target *float64, name string, fallback, least, most float64, usage string) {
	*target = fallback
	flags.Var(&decimal{target, least, most}, name, usage)
}

func (d *decimal) String() string {
	if d.target == nil {
		return ""
	}
	return strconv.FormatFloat(*d.target, 'g', -1, 64)
}

func (d *decimal) Set(text string) error {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || !(d.least <= value && value <= d.most) { // NaN is in no range
		return fmt.Errorf("want a number from %g to %g", d.least, d.most)
	}
	*d.target = value
	return nil
}

func (d *decimal) Type() string { return "N" }

// span is a flag's duration within [least, most]. math.MaxInt64 leaves the upper bound to whoever takes the value.
type span struct {
	target      *time.Duration
	least, most time.Duration
}

// AddSpan adds a flag for a duration within [least, most].
func AddSpan(flags *pflag.FlagSet, target *time.Duration, name string, fallback, least, most time.Duration, usage string) {
	*target = fallback
	flags.Var(&span{target, least, most}, name, usage)
}

func (s *span) String() string {
	if s.target == nil {
		return ""
	}
	return s.target.String()
}

func (s *span) Set(text string) error {
	value, err := time.ParseDuration(text)
	switch inRange := err == nil && s.least <= value && value <= s.most; {
	case inRange:
	case s.most == math.MaxInt64:
		return fmt.Errorf("want a duration, as in 400ms or 2s, %s or more", s.least)
	default:
		return fmt.Errorf("want a duration from %s to %s, as in 400ms or 2s", s.least, s.most)
	}
	*s.target = value
	return nil
}

func (s *span) Type() string { return "D" }

// choice is a flag's word out of a few.
type choice struct {
	target *string
	words  []string
}

// AddChoice adds a flag for one of words.
func AddChoice(flags *pflag.FlagSet, target *string, name, fallback, usage string, words ...string) {
	*target = fallback
	flags.Var(&choice{target, words}, name, usage)
}

func (c *choice) String() string {
	if c.target == nil {
		return ""
	}
	return *c.target
}

func (c *choice) Set(text string) error {
	if !slices.Contains(c.words, text) {
		if near := nearest(text, c.words); near != "" {
			return fmt.Errorf("want %s; did you mean %s?", orList(c.words), near)
		}
		return fmt.Errorf("want %s", orList(c.words))
	}
	*c.target = text
	return nil
}

func (c *choice) Type() string { return strings.Join(c.words, "|") }

// choices is a flag's list of words out of a few.
type choices struct {
	target *[]string
	words  []string
}

// AddChoices adds a flag for some of words, with commas between them.
func AddChoices(flags *pflag.FlagSet, target *[]string, name, usage string, words ...string) {
	flags.Var(&choices{target, words}, name, usage)
}

func (c *choices) String() string {
	if c.target == nil {
		return ""
	}
	return strings.Join(*c.target, ",")
}

func (c *choices) Set(text string) error {
	for word := range strings.SplitSeq(text, ",") {
		one := choice{new(string), c.words}
		if err := one.Set(strings.TrimSpace(word)); err != nil {
			return fmt.Errorf("%w; several with commas between them", err)
		}
		*c.target = append(*c.target, *one.target)
	}
	return nil
}

func (c *choices) Type() string { return strings.Join(c.words, ",") }

// checked is a flag's text that a function of package types validates.
type checked struct {
	target *string
	kind   string
	check  func(string) error
	// most is the longest text, in bytes.
	most int
}

// AddIdentifier adds a flag for the name of something that a fisherman samples; kind names it in the help. Which form it has
// is the network's business, and so the node's to judge.
func AddIdentifier(flags *pflag.FlagSet, target *string, name, kind, usage string) {
	flags.Var(&checked{target, kind, types.ValidateOpaque, types.MaxOpaque}, name, usage)
}

// AddChecked adds a flag for a text that check finds valid; kind names it in the help.
func AddChecked(flags *pflag.FlagSet, target *string, name, kind string, check func(string) error, usage string) {
	flags.Var(&checked{target, kind, check, terminal.ShortBytes}, name, usage)
}

func (c *checked) String() string {
	if c.target == nil {
		return ""
	}
	return *c.target
}

func (c *checked) Set(text string) error {
	if len(text) > c.most {
		return fmt.Errorf("a text of %d bytes is too long", len(text))
	}
	if err := c.check(text); err != nil {
		return err
	}
	*c.target = text
	return nil
}

func (c *checked) Type() string { return c.kind }

func orList(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// ActorTypes are the labels of the types of actors, as flags take them.
var ActorTypes = []string{"application", "servicer", "fisherman", "validator"}
