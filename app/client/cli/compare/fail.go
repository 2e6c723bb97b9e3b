package compare

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// failures are the verdicts that --fail-on takes.
var failures = []string{string(api.VerdictUnavailable), string(api.VerdictInconsistent), string(api.VerdictBehind), string(api.VerdictSlow)}

// failing returns an error if a target has one of the verdicts that are to fail.
func failing(session api.SessionReport, verdicts []string) error {
	var found []string
	for _, target := range session.Servicers {
		if slices.Contains(verdicts, string(target.Verdict)) {
			found = append(found, fmt.Sprintf("%s is %s", target.Servicer, target.Verdict))
		}
	}
	if len(found) == 0 {
		return nil
	}
	more := ""
	if len(found) > mostNamed {
		more = fmt.Sprintf(", and %d more", len(found)-mostNamed)
		found = found[:mostNamed]
	}
	return command.Fail(command.ExitCompared, "--fail-on: %s%s", strings.Join(found, ", "), more)
}
