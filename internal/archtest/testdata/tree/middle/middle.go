package middle

import _ "github.com/pocket-fisherman/fisherman/bottom"
import _ "github.com/pocket-fisherman/fisherman/unheard/of"
