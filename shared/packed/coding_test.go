package packed

import "testing"

func TestAccepts(t *testing.T) {
	for _, c := range []struct {
		values     []string
		gzip, only bool
	}{
		{nil, false, false},
		{[]string{""}, false, false},
		{[]string{"gzip"}, true, false},
		{[]string{"GZIP"}, true, false},
		{[]string{"x-gzip"}, true, false},
		{[]string{"gzip, deflate, br, zstd"}, true, false},
		{[]string{"deflate", "gzip"}, true, false},
		{[]string{"deflate, br"}, false, false},
		{[]string{"gzip;q=0"}, false, false},
		{[]string{"gzip;q=0.000"}, false, false},
		{[]string{"gzip;q=0, *"}, false, false},
		{[]string{"gzip ; q=0.001"}, true, false},
		{[]string{"gzip\t;\tQ=1.000"}, true, false},
		{[]string{"*"}, true, false},
		{[]string{"*;q=0"}, false, true},
		{[]string{"*;q=0, gzip"}, true, true},
		{[]string{"identity;q=0"}, false, true},
		{[]string{"identity;q=0, *;q=0.5"}, true, true},
		{[]string{"identity, gzip;q=0.5"}, false, false},
		{[]string{"identity;q=0.5, gzip;q=0.5"}, true, false},
		{[]string{"identity;q=0.5, gzip"}, true, false},
		{[]string{"gzip;q=2"}, false, false},
		{[]string{"gzip;q=-1"}, false, false},
		{[]string{"gzip;q=1e0"}, false, false},
		{[]string{"gzip;q=NaN"}, false, false},
		{[]string{"gzip;q="}, false, false},
		{[]string{"gzip;level=9"}, false, false},
		{[]string{"notgzip, gzipped"}, false, false},
		{[]string{",,gzip,,"}, true, false},
	} {
		if gzip, only := Accepts(c.values); gzip != c.gzip || only != c.only {
			t.Errorf("%q: gzip %v, refuses plain %v", c.values, gzip, only)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		values []string
		want   bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"*"}, true},
		{[]string{" * "}, true},
		{[]string{`"abc"`}, true},
		{[]string{`W/"abc"`}, true},
		{[]string{`w/"abc"`}, false},
		{[]string{`"abcd"`}, false},
		{[]string{`abc`}, false},
		{[]string{`"x", W/"y" , "abc"`}, true},
		{[]string{`"x"`, `"abc"`}, true},
		{[]string{`"x,", "abc"`}, true},
		{[]string{`"x,abc"`}, false},
		{[]string{`"x" "abc"`}, false},
		{[]string{`"abc"x`}, false},
		{[]string{`"x", "abc`}, false},
		{[]string{`"x", *`}, false},
		{[]string{`,, "abc"`}, true},
	} {
		for _, tag := range []string{`"abc"`, `W/"abc"`} {
			if got := Matches(c.values, tag); got != c.want {
				t.Errorf("%q and %s: %v", c.values, tag, got)
			}
		}
	}
}
