package module

import _ "math/rand"
