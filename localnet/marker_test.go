package localnet

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fixedMarker returns the marker of testdata/localnet.json.
func fixedMarker(t testing.TB) marker {
	t.Helper()
	o, err := DefaultOptions().Fit()
	if err != nil {
		t.Fatal(err)
	}
	a := freeAddresses(o)
	port := 40000
	next := func() string {
		port++
		return "127.0.0.1:" + strconv.Itoa(port)
	}
	a.ChainRPC = next()
	for i := range a.Servicers {
		s := &a.Servicers[i]
		for _, address := range []*string{&s.Service, &s.Delayed, &s.Upstream} {
			if *address != "" {
				*address = next()
			}
		}
	}
	return newMarker(o, a, time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC))
}

func TestMarkerFormat(t *testing.T) {
	want, err := os.ReadFile(filepath.Join("testdata", "localnet.json"))
	if err != nil {
		t.Fatal(err)
	}
	m := fixedMarker(t)
	got, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("marker is\n%s\nwant\n%s", got, want)
	}
	parsed, err := parseMarker(want)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(parsed, m) {
		t.Errorf("parsed %+v, want %+v", parsed, m)
	}
}

func TestParseMarkerRefuses(t *testing.T) {
	valid, err := fixedMarker(t).encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"no JSON", "{", "", "invalid"},
		{"no format", `"format": 2,`, "", "format is 0; this program reads format 2"},
		{"later format", `"format": 2`, `"format": 3`, "format is 3; this program reads format 2"},
		{"unknown field", `"format": 2`, `"format": 2, "more": 1`, "more"},
		{"other chain", "pocket-localnet-1", "pocket-localnet-2", "chain id"},
		{"no time", "2026-01-02T03:04:05.000000678Z", "0001-01-01T00:00:00Z", "genesis time"},
		{"option out of range", `"400ms"`, `"400h"`, "--delay"},
		{"no duration", `"400ms"`, `"long"`, "duration"},
		{"too many faults", `"lying": 1`, `"lying": 5`, "faults are more than the servicers"},
		{"other faults", `"lying": 1`, `"lying": 2`, "servicer 2 is not that of the options"},
		{"fewer servicers", `"servicers": 6`, `"servicers": 7`, "servicers are 6, not 7"},
		{"public address", "127.0.0.1:40001", "10.0.0.1:40001", "loopback"},
		{"public service", "127.0.0.1:40002", "10.0.0.1:40002", "servicer 0 is not that of the options"},
		{"no port", "127.0.0.1:40001", "127.0.0.1:0", "loopback"},
		{"something behind", "\n}\n", "\n}\n{}", "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := bytes.Replace(valid, []byte(c.old), []byte(c.new), 1)
			if bytes.Equal(data, valid) {
				t.Fatalf("%q is not in the marker", c.old)
			}
			if _, err := parseMarker(data); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("parseMarker() = %v, want an error with %q", err, c.want)
			}
		})
	}
}

func FuzzParseMarker(f *testing.F) {
	valid, err := fixedMarker(f).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(valid)
	f.Add([]byte(`{"format": 2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseMarker(data)
		if err != nil {
			return
		}
		again, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		if reread, err := parseMarker(again); err != nil || !reflect.DeepEqual(reread, m) {
			t.Errorf("a marker that was read is not read again the same: %v", err)
		}
	})
}

// A home with servicers that are behind records how many, and where their nodes are served. One without records nothing
// of them, so that programs which do not know the fault read it.
func TestMarkerRecordsServicersBehind(t *testing.T) {
	m := fixedMarker(t)
	m.Options.Behind = 1
	m.Addresses.Servicers[2].Fault, m.Addresses.Servicers[2].Upstream = FaultBehind, "127.0.0.1:41001"
	data, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parseMarker(data)
	if err != nil || !reflect.DeepEqual(parsed, m) || parsed.options().Behind != 1 {
		t.Errorf("parsed %+v, %v; want %+v", parsed, err, m)
	}
	for name, wrong := range map[string]string{
		"no upstream":    strings.Replace(string(data), "127.0.0.1:41001", "", 1),
		"not the option": strings.Replace(string(data), `"behind": 1`, `"behind": 2`, 1),
	} {
		if _, err := parseMarker([]byte(wrong)); wrong == string(data) || err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

// A home with an Ethereum chain records it, and where it is served.
func TestMarkerRecordsTheEthereumChain(t *testing.T) {
	m := fixedMarker(t)
	m.Options.Ethereum = true
	m.Addresses.Ethereum = "127.0.0.1:41000"
	m.Addresses.Servicers[5].EthereumUpstream = "127.0.0.1:41001"
	data, err := m.encode()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parseMarker(data)
	if err != nil || !reflect.DeepEqual(parsed, m) || !parsed.options().Ethereum {
		t.Errorf("parsed %+v, %v; want %+v", parsed, err, m)
	}
	for name, wrong := range map[string]string{
		"no address":     strings.Replace(string(data), `"ethereum": "127.0.0.1:41000",`, "", 1),
		"not loopback":   strings.Replace(string(data), "127.0.0.1:41000", "10.0.0.1:41000", 1),
		"no upstream":    strings.Replace(string(data), "127.0.0.1:41001", "", 1),
		"not the option": strings.Replace(string(data), `"ethereum": true`, `"ethereum": false`, 1),
	} {
		if wrong == string(data) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := parseMarker([]byte(wrong)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}
