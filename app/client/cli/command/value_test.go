package command

import (
	"math"
	"testing"

	"github.com/spf13/pflag"
)

// A number that its type cannot hold becomes the greatest that it can, for the consumer to refuse.
func TestNumbersFitTheirTypes(t *testing.T) {
	var narrow uint32
	var wide uint64
	var signed int64
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	AddNumber(flags, &narrow, "narrow", 3, 0, math.MaxInt64, "")
	AddNumber(flags, &wide, "wide", 3, 0, math.MaxInt64, "")
	AddNumber(flags, &signed, "signed", -1, 0, 7, "")
	if narrow != 3 || wide != 3 || signed != -1 || flags.Lookup("signed").DefValue != "-1" {
		t.Errorf("by default %d, %d, %d", narrow, wide, signed)
	}
	if err := flags.Parse([]string{"--narrow", "4294967296", "--wide", "9223372036854775807", "--signed", "7"}); err != nil {
		t.Fatal(err)
	}
	if narrow != math.MaxUint32 || wide != math.MaxInt64 || signed != 7 {
		t.Errorf("read as %d, %d, %d", narrow, wide, signed)
	}
	for _, text := range []string{"8", "-1", "x", "1e3"} {
		if err := flags.Parse([]string{"--signed", text}); err == nil || signed != 7 {
			t.Errorf("%q is taken as %d", text, signed)
		}
	}
}
