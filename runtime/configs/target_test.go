package configs

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/shared/secret"
)

// planted is in every secret of these tests.
const planted = "pl4nted"

func environment(name string) (string, bool) {
	switch name {
	case "KEY":
		return planted, true
	case "BREAK":
		return planted + "\r\nX-Other: " + planted, true
	case "EMPTY":
		return "", true
	}
	return "", false
}

// withUpstream returns a configuration whose servicer's upstream is written as JSON.
func withUpstream(t *testing.T, written string) (Node, error) {
	t.Helper()
	n := full()
	n.Fisherman = nil
	n.Servicers[0].Upstreams = map[string]Target{"0021": URL("https://here.example")}
	encoded, err := n.Encode()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(encoded), `"https://here.example"`, written, 1)
	if text == string(encoded) && written != `"https://here.example"` {
		t.Fatalf("no upstream in %s", encoded)
	}
	read, err := Parse([]byte(text))
	if err == nil {
		err = read.Validate()
	}
	return read, err
}

func TestTargetsReferToSecrets(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte(planted+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "url"), []byte("https://a.example/"+planted+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ written, address, header, value string }{
		"URL":              {`"https://a.example/v3"`, "https://a.example/v3", "", ""},
		"variable":         {`"https://a.example/v3/${KEY}"`, "https://a.example/v3/" + planted, "", ""},
		"not a variable":   {`"https://a.example/v3/$${KEY}"`, "https://a.example/v3/$%7BKEY%7D", "", ""},
		"user":             {`"https://me:${KEY}@a.example/"`, "https://a.example/", "Authorization", "Basic bWU6cGw0bnRlZA=="},
		"file":             {`"@url"`, "https://a.example/" + planted, "", ""},
		"named file":       {`{"file": "url"}`, "https://a.example/" + planted, "", ""},
		"object":           {`{"url": "https://a.example"}`, "https://a.example", "", ""},
		"no headers":       {`{"url": "https://a.example", "headers": {}}`, "https://a.example", "", ""},
		"header":           {`{"url": "https://a.example", "headers": {"Authorization": "Bearer ${KEY}"}}`, "https://a.example", "Authorization", "Bearer " + planted},
		"header of a file": {`{"url": "https://a.example", "headers": {"x-key": {"file": "key"}}}`, "https://a.example", "X-Key", planted},
		"header at a file": {`{"url": "https://a.example", "headers": {"X-KEY": "@key"}}`, "https://a.example", "X-Key", planted},
		"literal header":   {`{"url": "https://a.example", "headers": {"X-Key": "` + planted + `"}}`, "https://a.example", "X-Key", planted},
	} {
		t.Run(name, func(t *testing.T) {
			read, err := withUpstream(t, test.written)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := read.Open(dir, environment)
			if err != nil {
				t.Fatal(err)
			}
			address, header, err := opened.Servicers[0].Upstreams["0021"].Request()
			if err != nil || address != test.address || header.Get(test.header) != test.value || (test.header == "") != (len(header) == 0) {
				t.Errorf("%s with %v, %v", address, header, err)
			}
			// What is shown, logged or printed has no secret; what is written is written again.
			again, err := read.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if reread, err := Parse(again); err != nil {
				t.Errorf("%v: %s", err, again)
			} else if encoded, _ := reread.Encode(); string(encoded) != string(again) {
				t.Errorf("%s\nwant\n%s", encoded, again)
			}
			shown, err := read.Shown().Encode()
			if err != nil {
				t.Fatal(err)
			}
			asJSON, _ := json.Marshal(opened)
			all := fmt.Sprintf("%v %+v %#v %v %+v %v %s %s", opened, opened, opened, read.Shown(), read.Shown().Servicers, struct{ held Node }{opened}, shown, asJSON)
			for _, hidden := range []string{planted, fmt.Sprintf("%x", planted), "bWU6cGw0bnRlZA"} {
				if strings.Contains(all, hidden) {
					t.Errorf("shows %q: %s", hidden, all)
				}
			}
			if !strings.Contains(test.written, "${") && !strings.Contains(test.written, planted) && strings.Contains(string(shown), "v3") {
				t.Errorf("a path, which may be a key, is shown: %s", shown)
			}
		})
	}
}

func TestTargetsThatAreRefused(t *testing.T) {
	for written, want := range map[string]string{
		`"ftp://` + planted + `"`:                 "another scheme",
		`"https://a.example/${MISSING}"`:          "servicers[0].upstreams.0021: environment variable MISSING is not set",
		`"https://a.example/${EMPTY}"`:            "environment variable EMPTY is empty",
		`"https://a.example/${KEY"`:               "has ${ without }",
		`"https://a.example/${` + planted + ` }"`: "something else than the name",
		`"https://${BREAK}.example/"`:             "servicers[0].upstreams.0021 has a space",
		`"@missing"`:                              "servicers[0].upstreams.0021: its file cannot be read",
		`"@"`:                                     "names no file",
		`12`:                                      "a secret is text",
		`["` + planted + `"]`:                     "a secret is text",
		`null`:                                    "a secret is text",
		`{"headers": {}}`:                         "a target is a URL",
		`{"url": "https://a.example", "header": {}}`:                                           "a target is a URL",
		`{"URL": "https://a.example"}`:                                                         "unknown key",
		`{"url": "https://a.example", "headers": {"X-Key": 12}}`:                               "a target is a URL",
		`{"url": "https://a.example", "headers": {"X-Key": ""}}`:                               "headers.X-Key is not the value",
		`{"url": "https://a.example", "headers": {"X-Key": "` + planted + `\r\nX-O: 1"}}`:      "headers.X-Key is not the value",
		`{"url": "https://a.example", "headers": {"X-Key": "${BREAK}"}}`:                       "headers.X-Key is not the value",
		`{"url": "https://a.example", "headers": {"X-Key": "${MISSING}"}}`:                     "headers.X-Key: environment variable MISSING is not set",
		`{"url": "https://a.example", "headers": {"X-Key\r\nX-O": "1"}}`:                       "not the name of a header",
		`{"url": "https://a.example", "headers": {"Authorization: ` + planted + `": "1"}}`:     "not the name of a header",
		`{"url": "https://a.example", "headers": {"host": "b.example"}}`:                       "headers.Host is set by the node itself",
		`{"url": "https://a.example", "headers": {"content-length": "7"}}`:                     "headers.Content-Length is set by the node itself",
		`{"url": "https://a.example", "headers": {"X-Key": "1", "x-key": "2"}}`:                "given twice",
		`{"url": "https://a:${KEY}@a.example", "headers": {"Authorization": "Bearer ${KEY}"}}`: "a user, and there is a header Authorization",
	} {
		read, err := withUpstream(t, written)
		if err == nil {
			_, err = read.Open(t.TempDir(), environment)
		}
		switch {
		case err == nil || !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v, want %q", written, err, want)
		case strings.Contains(err.Error(), planted) || strings.ContainsAny(err.Error(), "\r\n"):
			t.Errorf("%s: the error repeats a secret, or has two lines: %v", written, err)
		}
	}
	many := make(map[string]secret.Written)
	for i := range secret.MaximumHeaders + 1 {
		many[fmt.Sprintf("X-%d", i)] = secret.Text("a")
	}
	n := full()
	n.Servicers[0].Upstreams = map[string]Target{"0021": {URL: secret.Text("https://a.example"), Headers: many}}
	if err := n.Validate(); err == nil || !strings.Contains(err.Error(), "17 of them") {
		t.Errorf("too many headers: %v", err)
	}
}
