package middle

import _ "github.com/pocket-fisherman/fisherman/top"
