package main

import _ "github.com/pocket-fisherman/fisherman/middle"
