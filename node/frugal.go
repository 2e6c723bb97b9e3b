package node

import (
	"os"
	"runtime/debug"

	"github.com/pocket-fisherman/fisherman/fisherman"
)

// beFrugal has the runtime collect garbage as often as a fisherman needs, unless the operator says how often.
func beFrugal() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(fisherman.GCPercent)
	}
}
