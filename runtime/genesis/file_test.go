package genesis

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
)

var update = flag.Bool("update", false, "write the golden files")

func TestGenesisFile(t *testing.T) {
	golden := filepath.Join("testdata", "genesis.json")
	file, err := network().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(golden, file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(file, want) {
		t.Errorf("the file's form changed:\n%s", file)
	}
	g, err := Parse(want)
	if err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(g, network()) {
		t.Errorf("parsed another genesis: %v", g)
	}
}

// A file that was written before there were parameters of lag and disagreements is read as it was meant, and gives a chain
// the same state: what has its zero value is not encoded.
func TestFileOfBefore(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("testdata", "before.json"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := Parse(file)
	if err != nil || !proto.Equal(g, network()) {
		t.Fatalf("parsed %v, %v", g, err)
	}
	qos := g.GetParams().GetQos()
	if err := g.Validate(); err != nil || qos.GetMaxLag() != 0 || qos.GetLaggingAllowed() != 0 || qos.GetDisagreementsAllowed() != 0 || qos.ColdShare() != 5 {
		t.Errorf("%v, %v", qos, err)
	}
}

func TestParseRefuses(t *testing.T) {
	valid, err := network().Marshal()
	if err != nil {
		t.Fatal(err)
	}
	replace := func(old, replacement string) string {
		if !bytes.Contains(valid, []byte(old)) {
			t.Fatalf("the file has no %s", old)
		}
		return strings.Replace(string(valid), old, replacement, 1)
	}
	tests := map[string]struct{ file, want string }{
		"nothing":      {"", "parse genesis: "},
		"no object":    {"[]", "parse genesis: "},
		"unknown key":  {replace(`"chain_id"`, `"chain"`), `parse genesis: (line 2:3): unknown field "chain"`},
		"inner key":    {replace(`"checks_per_session"`, `"checks"`), `unknown field "checks"`},
		"repeated key": {replace(`"chain_id"`, `"chain_id":"a", "chain_id"`), "duplicate field"},
		"second":       {string(valid) + string(valid), "parse genesis: "},
		"wrong type":   {replace(`"servicers_per_session": 24`, `"servicers_per_session": "many"`), "uint32"},
		"duration":     {replace(`"3s"`, `"3 seconds"`), "google.protobuf.Duration"},
		"enumeration":  {replace(`"ACTOR_TYPE_SERVICER"`, `"SERVICER"`), "SERVICER"},
		"range": {replace(`"checks_per_session": 10`, `"checks_per_session": 0`),
			"validate genesis: params.qos.checks_per_session is 0; allowed: 1 to 10000"},
		"too large": {string(valid) + strings.Repeat(" ", MaximumSize),
			"bytes long; allowed: at most 16777216 bytes"},
		"long token": {`{"chain_id": ` + strings.Repeat("9", 10_000) + `}`, "parse genesis: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g, err := Parse([]byte(test.file))
			if err == nil || g != nil {
				t.Fatalf("accepted: %v", g)
			}
			text := err.Error()
			if !strings.Contains(text, test.want) || strings.ContainsAny(text, "\n\u00a0") || len(text) > 400 {
				t.Errorf("got %q, want it to contain %q", text, test.want)
			}
		})
	}
}

func TestParseNamesTheField(t *testing.T) {
	g := network()
	g.Params.Qos.ChecksPerSession = 0
	file, err := g.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	_, err = Parse(file)
	field, ok := errors.AsType[*FieldError](err)
	if want := (FieldError{"params.qos.checks_per_session", "0", "1 to 10000"}); !ok || *field != want {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	golden, err := os.ReadFile(filepath.Join("testdata", "genesis.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"params":{"qos":{"timeout":"-1s"}},"actors":[{},null]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := Parse(data)
		if err != nil {
			if g != nil || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v, %q", g, err)
			}
			return
		}
		file, err := g.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(file)
		if err != nil || !proto.Equal(g, again) {
			t.Fatalf("does not survive a round trip: %v\n%s", err, file)
		}
	})
}
