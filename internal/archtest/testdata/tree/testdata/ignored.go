package ignored

import _ "math/rand"
