package stray

import _ "math/rand"
