package qos

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseSpan(t *testing.T) {
	for text, want := range map[string]Span{
		"1": {Starts: 1}, "10": {Starts: 10}, "10000": {Starts: 10_000},
		"1s": {Age: time.Second}, "24h": {Age: 24 * time.Hour}, "90m": {Age: 90 * time.Minute}, "10000h": {Age: 10_000 * time.Hour},
	} {
		got, err := ParseSpan(text)
		if err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "10001", "1.5", "ten", "0s", "-1h", "999ms", "10001h", "24 h", "1d", "1e3", "99999999999999999999", "NaN"} {
		_, err := ParseSpan(text)
		if err == nil || !strings.Contains(err.Error(), "from 1 to 10000, or a duration from 1s to 10000h, as in 10 or 24h") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSpanTextIsReadBack(t *testing.T) {
	for text, want := range map[string]string{"24h": "24h", "90m": "1h30m", "60m": "1h", "90s": "1m30s", "7": "7", "1h0m5s": "1h0m5s", "10m": "10m", "10s": "10s"} {
		span, err := ParseSpan(text)
		if err != nil || span.String() != want {
			t.Errorf("%s is shown as %s (%v), want %s", text, span, err, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		span := Span{Age: time.Duration(rapid.Int64Range(int64(minimumAge), int64(maximumAge)).Draw(t, "age"))}
		if rapid.Bool().Draw(t, "starts") {
			span = Span{Starts: rapid.IntRange(1, MaximumStarts).Draw(t, "starts")}
		}
		if got, err := ParseSpan(span.String()); err != nil || got != span {
			t.Fatalf("%s is read as %+v (%v)", span, got, err)
		}
	})
}

func FuzzParseSpan(f *testing.F) {
	f.Add("10")
	f.Add("24h")
	f.Add("-9223372036854775808ns")
	f.Fuzz(func(t *testing.T, text string) {
		span, err := ParseSpan(text)
		if err != nil {
			return
		}
		if (span.Starts > 0) == (span.Age > 0) {
			t.Fatalf("%q is %+v", text, span)
		}
		if again, err := ParseSpan(span.String()); err != nil || again != span {
			t.Fatalf("%q is shown as %q", text, span)
		}
	})
}
