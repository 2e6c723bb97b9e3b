package top

import (
	"fmt"

	_ "github.com/pocket-fisherman/fisherman/bottom"
	_ "github.com/pocket-fisherman/fisherman/middle"
)

var _ = fmt.Sprint
