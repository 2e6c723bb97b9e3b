package fisherman

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
)

func TestAlertsTest(t *testing.T) {
	const token = "PLANTED-IN-A-URL"
	t.Setenv("ALERT_TOKEN", token)
	bodies := make(chan map[string]any, 4)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/"+token {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(token))
			return
		}
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		bodies <- body
	}))
	defer hook.Close()
	path := filepath.Join(t.TempDir(), "alerts.yaml")
	run := func(receivers string, args ...string) (command.ExitCode, string, string) {
		t.Helper()
		if err := os.WriteFile(path, []byte("alerts:\n  receivers:\n"+receivers), 0o600); err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := commandtest.Pocket(t, New, append([]string{"fisherman", "alerts", "test", "--config", path}, args...)...)
		if strings.Contains(stdout+stderr, token) || strings.Contains(stdout+stderr, "127.0.0.1") {
			t.Errorf("a secret is shown: %s%s", stdout, stderr)
		}
		return code, stdout, stderr
	}
	good := "    - {name: good, url: '" + hook.URL + "/${ALERT_TOKEN}'}\n"
	bad := "    - {name: bad, url: '" + hook.URL + "/${ALERT_TOKEN}/x'}\n"
	if code, stdout, stderr := run(good); code != command.ExitOK || stdout != "good             webhook   took the message\n" || stderr != "" {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
	if body := <-bodies; body["status"] != "test" || body["version"] != 1.0 {
		t.Error(body)
	}
	code, stdout, stderr := run(good + bad)
	if code != command.ExitNotDelivered || stdout != "good             webhook   took the message\nbad              webhook   failed: it answered with HTTP status 500\n" ||
		!strings.Contains(stderr, "1 receiver of 2 did not take the message: bad") {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
	if code, stdout, _ := run(bad, "--output", "json"); code != command.ExitNotDelivered || !strings.Contains(stdout, `"taken": false`) {
		t.Errorf("%d %q", code, stdout)
	}
	if code, _, stderr := run("    - {name: bad, url: 'slack://" + token + "'}\n"); code != command.ExitUsage || !strings.Contains(stderr, ":3:24: alerts.receivers[0].url: ") {
		t.Errorf("%d %q", code, stderr)
	}
}
