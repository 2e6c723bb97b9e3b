package fisherman

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
)

// Evidence of suppliers of the live Pocket network holds offline, and verify says what it leaves open.
func TestEvidenceOfSuppliers(t *testing.T) {
	path := filepath.Join("..", "..", "..", "..", "network", "shannon", "evidence", "testdata", "evidence.golden.json")
	code, text, stderr := commandtest.Pocket(t, New, "fisherman", "verify", path)
	for _, want := range []string{"ok      the supplier signed the response", "ok      the answer has the random id of the request", "ok      a key of the application's ring signed the request",
		"2 pieces of the live Pocket network hold.\nEach of these suppliers signed its answer", "does not prove what the suppliers were asked"} {
		if code != 0 || !strings.Contains(text, want) {
			t.Errorf("exit code %d, no %q in\n%s%s", code, want, text, stderr)
		}
	}
	if strings.Contains(text, "asked by fisherman") || strings.Contains(text, "same question of the same fisherman") {
		t.Errorf("it proves too much:\n%s", text)
	}
	_, text, _ = commandtest.Pocket(t, New, "fisherman", "verify", path, "--output", "json")
	if strings.Count(text, `"verified": true`) != 2 || strings.Count(text, `"proof": "answer_signed"`) != 2 {
		t.Errorf("%s", text)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	forged := filepath.Join(t.TempDir(), "forged.json")
	for from, to := range map[string]string{`"request_envelope": "C`: `"request_envelope": "D`, `"public_key": "02`: `"public_key": "03`, `0x3`: `0x4`, `answer_signed`: `unsigned`,
		`"response_envelope": "C`: `"response_envelope": "D`} {
		changed := bytes.Replace(whole, []byte(from), []byte(to), 1)
		if bytes.Equal(changed, whole) {
			changed = bytes.Replace(whole, []byte(to), []byte(from), 1)
		}
		if bytes.Equal(changed, whole) {
			t.Fatalf("%s is not in the file", from)
		}
		if err := os.WriteFile(forged, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if code, text, stderr := commandtest.Pocket(t, New, "fisherman", "verify", forged); code != command.ExitEvidence {
			t.Errorf("%s forged: exit code %d\n%s%s", from, code, text, stderr)
		}
	}
}
