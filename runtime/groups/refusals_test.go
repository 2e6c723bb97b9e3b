package groups

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/runtime/configs"
)

// refused returns the lines of a configuration's error, without its file. It holds no secret, and is printable.
func refused(t *testing.T, text string) []string {
	t.Helper()
	config, err := Parse([]byte(text), "f.yaml", environment)
	wrong, is := errors.AsType[*Error](err)
	if !is || !errors.Is(err, configs.ErrInvalid) || config.Groups != nil {
		t.Fatalf("%q: error %v, configuration %+v", text, err, config)
	}
	if strings.Contains(err.Error(), planted) {
		t.Errorf("the error shows a secret: %v", err)
	}
	lines := wrong.Lines()
	for i, line := range lines {
		if strings.Contains(line, "\n") || len(line) > 1500 {
			t.Errorf("not one bounded line: %q", line)
		}
		lines[i] = strings.TrimPrefix(line, "f.yaml:")
	}
	return lines
}

// Each has one problem, at a place, which says what would be right.
func TestRefusals(t *testing.T) {
	target := func(rest string) string { return "groups: [{name: a, targets: [{name: one, " + rest + "}]}]" }
	question := func(rest string) string { return inGroup("chain: custom", "questions: ["+rest+"]") }
	for text, want := range map[string]string{
		// The document.
		"":                            " is empty; ",
		"# nothing\n":                 " is empty; ",
		"---\n":                       "is empty; allowed: keys with values: listen, public",
		"hello":                       "1:1: is text; allowed: keys",
		"- a":                         "1:1: is a list; allowed: keys",
		"a: 1\n\tb: 2\n":              "2:1: is not YAML: found a tab character",
		"a: \"\xff\"\n":               "1:5: a byte that is not UTF-8",
		"\xff\xfea\x00:\x00":          "1:1: a byte that is not UTF-8",
		"a: é\x00\n":                  "1:5: the character U+0000; remove it",
		"a: 1\nb: \ue000\n":           "2:4: the character U+E000; remove it",
		"a: 1\n\x1b[31m: x":           "2:1: the character U+001B",
		"a: [1, 2\n":                  "2:1: is not YAML: did not find expected ',' or ']', while parsing a flow sequence from line 1",
		"a: &x 1\n":                   "1:4: anchors and aliases are not allowed",
		"a: *" + planted + "\n":       "1:4: aliases are not allowed; text that begins with * or & has to be in quotes",
		"a: !!binary aGk=\n":          "1:4: tags are not allowed",
		inGroup() + "---\nb: 1\n":     "6:1: a second document begins",
		inGroup() + "...\nb: 1\n":     "7:1: a second document begins",
		strings.Repeat("[", 100):      "1:33: is not YAML: exceeded max depth of 32",
		strings.Repeat("#", 1<<20+1):  " is longer than 1048576 bytes",
		inGroup("<<: {chain: evm}"):   "3:5: groups[0].?: unknown key",
		inGroup("? [a]\n    : b"):     "3:7: groups[0].?: unknown key",
		inGroup("sla: 1s", "sla: 2s"): "4:5: groups[0].sla: is given twice",
		"groups: []":                  "1:9: groups: is a list of 0; allowed: 1 to 64",
		"groups:\n":                   "groups: is empty; allowed: a list",
		"listen: 127.0.0.1:1":         "1:1: groups: is missing",
		"groups: [a]":                 "1:10: groups[0]: is text; allowed: keys with values: name",

		// The top.
		"listen: 5\n" + inGroup():               "1:9: listen: is a number; allowed: HOST:PORT",
		"listen: :50832\n" + inGroup():          `1:9: listen: is ":50832"; allowed: a loopback address`,
		"listen: 127.0.0.1:65536\n" + inGroup(): `allowed: HOST:PORT with a port of 0 to 65535`,
		"listen: 127.0.0.1\n" + inGroup():       `allowed: HOST:PORT`,
		"listen: example.com:1\n" + inGroup():   `allowed: a loopback address`,
		"public: yes\n" + inGroup():             "1:9: public: is text; allowed: true or false, without quotes",
		"public: 1\n" + inGroup():               "public: is a number; allowed: true or false",
		"data: ''\n" + inGroup():                "data: is not a path",
		"data: ~\n" + inGroup():                 "data: is empty",
		"log_level: loud\n" + inGroup():         `log_level: is "loud"; allowed: error, warn, info, debug`,
		"log_format: [json]\n" + inGroup():      "log_format: is a list; allowed: text, json",
		"Listen: 127.0.0.1:1\n" + inGroup():     "1:1: Listen: unknown key; allowed: listen",
		"shannon: 1\n" + inGroup():              "1:1: shannon: unknown key",

		// A group.
		"groups: [{targets: [{name: a, url: http://a}]}]":                                          "1:10: groups[0].name: is missing; 1 to 64",
		"groups: [{name: a}]":                                                                      "1:10: groups[0].targets: is missing; a list",
		"groups: [{name: 12, targets: [{name: a, url: http://a}]}]":                                "1:17: groups[0].name: is a number; allowed: 1 to 64 printable ASCII characters",
		"groups: [{name: a b, targets: [{name: a, url: http://a}]}]":                               `groups[0].name: is "a b"; allowed`,
		"groups: [{name: '', targets: [{name: a, url: http://a}]}]":                                "groups[0].name: is not allowed; allowed",
		"groups: [{name: é, targets: [{name: a, url: http://a}]}]":                                 "groups[0].name: is not allowed; allowed",
		"groups: [{name: https://" + planted + ", targets: [{name: a, url: http://a}]}]":           "groups[0].name: is not allowed; allowed",
		"groups: [{name: '" + strings.Repeat("a", 65) + "', targets: [{name: a, url: http://a}]}]": "groups[0].name: is not allowed; allowed",
		inGroup("chain: bitcoin"):                                                                  `3:12: groups[0].chain: is "bitcoin"; allowed: evm, cometbft, cosmos, solana, custom, auto`,
		inGroup("chain: evm", "catalogue: cosmos"):                                                 `4:16: groups[0].catalogue: is "cosmos"; allowed for chain evm: evm-values, evm, custom`,
		inGroup("catalogue: mine"):                                                                 `groups[0].catalogue: is "mine"; allowed: evm-values, evm, cometbft, cometbft-uri, cosmos, solana, custom`,
		inGroup("catalogue: custom"):                                                               "2:5: groups[0].questions: is missing",
		inGroup("chain: custom"):                                                                   "2:5: groups[0].questions: is missing",
		inGroup("interval: 15"):                                                                    `3:15: groups[0].interval: is "15"; allowed: 100ms to 12h, with a unit as in 15s or 300ms`,
		inGroup("interval: soon"):                                                                  `groups[0].interval: is "soon"; allowed`,
		inGroup("interval: -5s"):                                                                   `groups[0].interval: is "-5s"; allowed`,
		inGroup("interval: 99ms"):                                                                  `groups[0].interval: is "99ms"; allowed`,
		inGroup("interval: 1e3s"):                                                                  `groups[0].interval: is "1e3s"; allowed`,
		inGroup("interval: 9999999999999h"):                                                        `groups[0].interval: is "9999999999999h"; allowed`,
		inGroup("interval: 10m"):                                                                   "3:15: groups[0].interval: is 10m, in which a session of 5m has no two checks; allowed: at most 2m30s",
		inGroup("interval: 400ms"):                                                                 "groups[0].interval: is 400ms, more often than a rate of 2 requests a second; allowed: at least 500ms, or a rate of at least 2.5",
		inGroup("rate: 0.05"):                                                                      "2:5: groups[0].interval: is 15s, more often than a rate of 0.05 requests a second; allowed: at least 20s",
		inGroup("interval: 1s", "session: 24h"):                                                    "groups[0].interval: is 1s, in which a session of 24h has 86400 checks; allowed: at most 10000",
		inGroup("session: 9s"):                                                                     `groups[0].session: is "9s"; allowed: 10s to 24h`,
		inGroup("session: 25h"):                                                                    `groups[0].session: is "25h"; allowed: 10s to 24h`,
		inGroup("session: 90500ms"):                                                                "groups[0].session: is 1m30.5s; allowed: whole seconds",
		inGroup("spread: random"):                                                                  `groups[0].spread: is "random"; allowed: stratified-jitter, even, uniform-random`,
		inGroup("sla: 0s"):                                                                         `groups[0].sla: is "0s"; allowed: 1ms to 1m`,
		inGroup("sla: 5s"):                                                                         "2:5: groups[0].timeout: is 5s; allowed: more than the sla, which is 5s",
		inGroup("timeout: 200ms"):                                                                  "3:14: groups[0].timeout: is 200ms; allowed: more than the sla, which is 300ms",
		inGroup("timeout: 61s"):                                                                    `groups[0].timeout: is "61s"; allowed: 10ms to 1m`,
		inGroup("session: 20s", "interval: 5s", "timeout: 20s"):                                    "groups[0].timeout: is 20s; allowed: less than the session, which is 20s",
		inGroup("rate: 0"):                                                                         `groups[0].rate: is "0"; allowed: a number from 0.01 to 1000`,
		inGroup("rate: .nan"):                                                                      `groups[0].rate: is ".nan"; allowed`,
		inGroup("rate: .inf"):                                                                      `groups[0].rate: is ".inf"; allowed`,
		inGroup("rate: 2/s"):                                                                       "groups[0].rate: is text; allowed",
		inGroup("max_lag: 3 bloks"):                                                                `groups[0].max_lag: is "3 bloks"; allowed: 0 to 1000000, as in 3 or 3 blocks`,
		inGroup("max_lag: -1"):                                                                     `groups[0].max_lag: is "-1"; allowed`,
		inGroup("max_lag: 3s"):                                                                     `groups[0].max_lag: is "3s"; allowed`,
		inGroup("max_lag: 1.5"):                                                                    `groups[0].max_lag: is a number; allowed`,
		inGroup("max_lag: 99999999999999999999"):                                                   `groups[0].max_lag: is`,
		inGroup("nulls_allowed: 010"):                                                              `groups[0].nulls_allowed: is "010"; allowed: a whole number from 0 to 10000`,
		inGroup("nulls_allowed: 0x10"):                                                             `groups[0].nulls_allowed: is "0x10"; allowed`,
		inGroup("nulls_allowed: 2.0"):                                                              `groups[0].nulls_allowed: is a number; allowed: a whole number`,
		inGroup("nulls_allowed: '2'"):                                                              `groups[0].nulls_allowed: is text; allowed: a whole number`,
		inGroup("lagging_allowed: 10001"):                                                          `groups[0].lagging_allowed: is "10001"; allowed`,
		inGroup("samples_required: 0"):                                                             `groups[0].samples_required: is "0"; allowed: a whole number from 1`,
		inGroup("samples_required: 21"):                                                            "groups[0].samples_required: is 21; allowed: at most the checks of a session, which are 20",
		inGroup("quorum: 1"):                                                                       `groups[0].quorum: is "1"; allowed: a whole number from 2`,
		inGroup("quorum: 3"):                                                                       "groups[0].quorum: is 3; allowed: 2 to the number of targets, which is 2",
		inGroup("sessions_retained: 0"):                                                            `groups[0].sessions_retained: is "0"`,
		inGroup("control: three"):                                                                  `3:14: groups[0].control: is "three"; allowed: the name of one of the group's targets, or a URL`,
		inGroup("control: wss://" + planted):                                                       "groups[0].control: has another scheme than http and https",
		inGroup("control: ''"):                                                                     "groups[0].control: is empty",
		inGroup("control: ${MISSING}"):                                                             "groups[0].control: environment variable MISSING is not set",
		inGroup("ignored_fields: [a]"):                                                             `3:22: groups[0].ignored_fields[0]: is "a"; allowed: a JSON pointer`,
		inGroup("ignored_fields: /a"):                                                              "groups[0].ignored_fields: is text; allowed: a list",
		inGroup("depth: -1"):                                                                       `groups[0].depth: is "-1"; allowed: a whole number from 0 to 1000000`,

		// Questions.
		inGroup("chain: evm", "head: {method: a, height: /result}"): "4:11: groups[0].head: is for the custom catalogue; remove it",
		inGroup("catalogue: evm", "questions: [{method: a}]"):       "4:16: groups[0].questions: is for the custom catalogue",
		question("{}"):                      "4:17: groups[0]: questions[0]: exactly one of method (JSON-RPC) and path (REST) is needed",
		question("{method: a}, {path: /a}"): "4:30: groups[0]: questions[1]: JSON-RPC and REST are mixed",
		question("{method: a}, {method: b}, {path: x}, {method: c}, {method: b}"):                    "4:43: groups[0]: questions[2]: path",
		question("{method: a}, {method: a}"):                                                         "4:30: groups[0]: questions[1] is the same as questions[0]",
		question("{method: a, params: 1}"):                                                           "groups[0].questions[0].params: is a number; allowed: a list or a mapping",
		question("{method: a, params: [0x1]}"):                                                       "groups[0].questions[0].params[0]: is a number that JSON does not have",
		question("{method: a, params: [2001-01-01]}"):                                                "groups[0].questions[0].params[0]: is a date that JSON does not have",
		question("{method: a, params: [{b: 1, b: 2}]}"):                                              "groups[0].questions[0].params[0].b: is given twice",
		question("{method: a, params: [" + strings.Repeat("[", 16) + strings.Repeat("]", 16) + "]}"): "is nested too deeply; allowed: at most 16 levels",
		question(`{method: a, params: ["{height}"]}`):                                                "4:16: groups[0].head: is missing; a list that names heights",
		question(`{method: a, params: ["{hight}"]}`):                                                 "groups[0]: questions[0]: params: ",
		question("{method: a, errors: [x]}"):                                                         "groups[0].questions[0].errors[0]: is text; allowed: a whole number",
		question("{path: /a, headers: {}}"):                                                          "groups[0].questions[0].headers: is 0 of them",
		inGroup("head: {path: /h, height: /h}", "questions: [{method: a}]"):                          "3:11: groups[0].head: mixes JSON-RPC and REST",
		inGroup("head: {method: h}", "questions: [{method: a}]"):                                     "3:11: groups[0].head.height: is missing",

		// A target.
		target("uri: x, url: http://a"):                                          "1:42: groups[0].targets[0].uri: unknown key; allowed: name, url, private, operator, headers",
		target("url:https://" + planted):                                         "1:42: groups[0].targets[0].url: has no space after its colon",
		target("url: ''"):                                                        "1:47: groups[0].targets[0].url: is empty; allowed: an http or https URL",
		target("url: 5"):                                                         "groups[0].targets[0].url: is a number; allowed: text, which may contain ${NAME}",
		target("url: a.example/${KEY}"):                                          "groups[0].targets[0].url: has another scheme than http and https",
		target("url: https:///${KEY}"):                                           "groups[0].targets[0].url: has no host",
		target("url: 'https://a/${KEY}#'"):                                       "groups[0].targets[0].url: has a fragment (#)",
		target("url: 'https://a/ ${KEY}'"):                                       "groups[0].targets[0].url: has a space",
		target(`url: 'https://a\${KEY}'`):                                        "groups[0].targets[0].url: has a space, a backslash",
		target("url: https://münchen/${KEY}"):                                    "groups[0].targets[0].url: has a space, a backslash, or a character that is not printable ASCII",
		target("url: https://a/%${KEY}"):                                         "groups[0].targets[0].url: is not a URL",
		target("url: https://a:0/${KEY}"):                                        "groups[0].targets[0].url: has a host or port that is none",
		target("url: https://a:99999/${KEY}"):                                    "groups[0].targets[0].url: has a host or port that is none",
		target("url: https://1.2.3/${KEY}/" + strings.Repeat("a", 2048)):         "groups[0].targets[0].url: is too long",
		target("url: https://a..b/${KEY}"):                                       "groups[0].targets[0].url: has a host or port that is none",
		target("url: 'https://[fe80::1%25${KEY}]/'"):                             "groups[0].targets[0].url: has a host or port that is none",
		target("url: ${BROKEN}"):                                                 "groups[0].targets[0].url: has a space",
		target("url: https://a/" + strings.Repeat("${KEY}", 17)):                 "groups[0].targets[0].url: is too long; allowed: 16384 bytes with 16 references",
		target("url: https://a/${MISSING}"):                                      "1:47: groups[0].targets[0].url: environment variable MISSING is not set; set it, or use {file: PATH}",
		target("url: https://a/${EMPTY}"):                                        "groups[0].targets[0].url: environment variable EMPTY is empty",
		target("url: https://a/${}"):                                             "groups[0].targets[0].url: has ${…} with something else",
		target("url: https://a/${" + planted + "-x}"):                            "groups[0].targets[0].url: has ${…} with something else",
		target("url: 'https://a/${" + planted + "'"):                             "groups[0].targets[0].url: has ${ without }",
		target("url: {file: /nonexistent/" + planted + "}"):                      "1:47: groups[0].targets[0].url: its file cannot be read: no such file or directory",
		target("url: {file: /}"):                                                 "groups[0].targets[0].url: its file cannot be read: it is not a regular file",
		target("url: {file: x, path: /x}"):                                       "groups[0].targets[0].url.path: unknown key; allowed: file",
		target("url: '@'"):                                                       "groups[0].targets[0].url: names no file",
		target("url: '@" + secretFile(t, "\n") + "'"):                            "groups[0].targets[0].url: its file is empty",
		target("url: '@" + secretFile(t, strings.Repeat("a", 17<<10)) + "'"):     "groups[0].targets[0].url: its file cannot be read: it is too long",
		target("url: http://a, private: 'true'"):                                 "groups[0].targets[0].private: is text; allowed: true or false",
		target("url: http://a, operator: 'a=b'"):                                 "groups[0].targets[0].operator: is not allowed",
		target("url: http://a, headers: {}"):                                     "groups[0].targets[0].headers: is 0 of them; allowed: 1 to 16",
		target("url: http://a, headers: [a]"):                                    "groups[0].targets[0].headers: is a list; allowed: 1 to 16",
		target("url: http://a, headers: {Authorization:Bearer " + planted + "}"): "groups[0].targets[0].headers.Authorization: is not the name of a header",
		target("url: http://a, headers: {'" + "a b': x}"):                        "groups[0].targets[0].headers.a: is not the name of a header",
		target("url: http://a, headers: {host: " + planted + "}"):                "groups[0].targets[0].headers.Host: is set by the fisherman itself",
		target("url: http://a, headers: {content-length: '1'}"):                  "groups[0].targets[0].headers.Content-Length: is set by",
		target("url: http://a, headers: {TRANSFER-ENCODING: x}"):                 "groups[0].targets[0].headers.Transfer-Encoding: is set by",
		target("url: http://a, headers: {connection: x}"):                        "groups[0].targets[0].headers.Connection: is set by",
		target("url: http://a, headers: {X-A: a, x-a: b}"):                       "groups[0].targets[0].headers.X-A: is given twice",
		target("url: http://a, headers: {X-A: 12345}"):                           "groups[0].targets[0].headers.X-A: is a number; allowed: text",
		target(`url: http://a, headers: {X-A: "` + planted + `\r\nX: y"}`):       "groups[0].targets[0].headers.X-A: is not the value of a header",
		target(`url: http://a, headers: {X-A: "${BROKEN}"}`):                     "groups[0].targets[0].headers.X-A: is not the value of a header",
		target(`url: http://a, headers: {X-A: " "}`):                             "groups[0].targets[0].headers.X-A: is not the value of a header",
		target("url: 'http://u:${KEY}@a', headers: {authorization: x}"):          "groups[0].targets[0].url: has a user, and there is a header Authorization",
		"groups:\n- &" + planted + " {name: a}":                                  "anchors and aliases are not allowed",
	} {
		lines := refused(t, text)
		if len(lines) != 1 || !strings.Contains(lines[0], want) {
			t.Errorf("%.200q:\n got %q\nwant %q", text, lines, want)
		}
	}
}

func TestNamesAreTheirOwn(t *testing.T) {
	lines := refused(t, inGroup()+"  - name: a\n    targets:\n      - {name: one, url: http://a}\n      - {name: one, url: http://b}\n")
	want := []string{
		`6:11: groups[1].name: is "a" like the one of line 2; allowed: a name of its own`,
		`9:16: groups[1].targets[1].name: is "one" like the one of line 8; allowed: a name of its own`,
	}
	if fmt.Sprintf("%q", lines) != fmt.Sprintf("%q", want) {
		t.Errorf("got  %q\nwant %q", lines, want)
	}
}

// However much is wrong, the error is short, in the order of the file, and says how much is left out.
func TestProblemsAreBounded(t *testing.T) {
	var text strings.Builder
	for range 1000 {
		text.WriteString("wrong" + strings.Repeat("g", 200) + ": 1\n")
	}
	lines := refused(t, text.String()+inGroup("interval: 0s"))
	if len(lines) != keptProblems+1 || !strings.HasPrefix(lines[0], "1:1: ") || !strings.HasPrefix(lines[19], "20:1: ") ||
		lines[20] != " and 981 more" && lines[20] != "f.yaml: and 981 more" {
		t.Errorf("%d lines: %q", len(lines), lines)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "absent"): "cannot be read: no such file or directory",
		dir:                          "cannot be read: it is not a regular file",
		"/dev/zero":                  "cannot be read: it is not a regular file",
		"a\x00b":                     "cannot be read: invalid argument",
	} {
		if _, err := Load(path, environment); !errors.Is(err, configs.ErrInvalid) || !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("%q: %v", path, err)
		}
	}
}
