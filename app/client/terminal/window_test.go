package terminal

import (
	"testing"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
)

func TestWindowsOfATerminalMatchGoldenFiles(t *testing.T) {
	clienttest.Golden(t, "window_80.txt", []byte(WindowsText(clienttest.Windows(), Form{width: 80})))
}
