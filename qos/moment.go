package qos

import "time"

// Moment returns a time in nanoseconds since the Unix epoch as one in UTC; nil for 0, which stands for none.
func Moment(unixNano int64) *time.Time {
	if unixNano == 0 {
		return nil
	}
	at := time.Unix(0, unixNano).UTC()
	return &at
}
