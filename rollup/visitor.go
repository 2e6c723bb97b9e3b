package rollup

import "time"

// Visitor is called with a rollup: of which series, where its servicer was asked, when its slot begins in nanoseconds since
// the Unix epoch, and how long the slot is. It must neither keep nor change the rollup.
type Visitor func(of Series, url string, slot int64, length time.Duration, counted *Rollup) error
