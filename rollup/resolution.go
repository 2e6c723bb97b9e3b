package rollup

import "time"

// Resolution is the length of the slots that rollups are kept in. Slots begin at multiples of it since the Unix epoch.
type Resolution uint8

// Resolutions.
const (
	FiveMinutes Resolution = 1
	Hour        Resolution = 2
)

// Resolutions returns all of them, the finest first.
func Resolutions() [2]Resolution { return [...]Resolution{FiveMinutes, Hour} }

// Length returns how long a slot is.
func (r Resolution) Length() time.Duration {
	if r == Hour {
		return time.Hour
	}
	return 5 * time.Minute
}

// Slot returns the beginning of the slot that a moment is in. Both are nanoseconds since the Unix epoch, not negative.
func (r Resolution) Slot(moment int64) int64 { return moment - moment%int64(r.Length()) }
