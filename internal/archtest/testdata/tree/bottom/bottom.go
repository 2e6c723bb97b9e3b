// Package bottom has its comment in the wrong file.
package bottom

import (
	_ "github.com/pocket-fisherman/fisherman/middle"
	_ "github.com/pocket-fisherman/fisherman/top"
)
