package version

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/commandtest"
	"github.com/pocket-fisherman/fisherman/node"
)

func TestVersionNamesTheSource(t *testing.T) {
	build := node.Build{Version: "v1.2.3", Revision: "0123456789abcdef0123", Modified: true, Go: "go1.26"}
	if got, want := versionLine(build), "pocket v1.2.3 (commit 0123456789ab, modified) go1.26 "; !strings.HasPrefix(got, want) {
		t.Errorf("version %q, want %q", got, want)
	}
	if code, stdout, _ := commandtest.Pocket(t, New, "version", "--output", "json"); code != command.ExitOK || !strings.Contains(stdout, `"go": "go`) {
		t.Errorf("exit code %d, stdout %q", code, stdout)
	}
}
