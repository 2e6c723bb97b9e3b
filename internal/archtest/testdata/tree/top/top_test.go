package top_test

import _ "github.com/pocket-fisherman/fisherman/bottom"
