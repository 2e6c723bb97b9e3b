package wire

import (
	"testing"
	"time"
	"unsafe"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// exchangeTimes are those of a good exchange: written within 10 µs and sent at 5, answered between 1000 and 1200, read
// 100 µs after each arrival.
func exchangeTimes() Times {
	const unit = time.Microsecond
	sent := time.Now()
	wall := sent.Round(0)
	return Times{
		Sent: sent, Written: sent.Add(10 * unit), FirstByte: sent.Add(1100 * unit), LastByte: sent.Add(1300 * unit),
		Kernel: Stamps{Transmitted: wall.Add(5 * unit), FirstByte: wall.Add(1000 * unit), LastByte: wall.Add(1200 * unit), InOrder: true},
	}
}

func TestTimesByTheirSource(t *testing.T) {
	const kernel, user = types.TimingSource_TIMING_SOURCE_KERNEL, types.TimingSource_TIMING_SOURCE_USER_SPACE
	const unit = time.Microsecond
	for name, test := range map[string]struct {
		change func(*Times)
		source types.TimingSource
		// transmitted after Sent, in microseconds; first and last byte after that.
		transmitted, first, last time.Duration
	}{
		"stamped":                    {func(*Times) {}, kernel, 5, 995, 1195},
		"nothing stamped":            {func(e *Times) { e.Kernel = Stamps{} }, user, 0, 1100, 1300},
		"transmission missing":       {func(e *Times) { e.Kernel.Transmitted = time.Time{} }, user, 0, 1100, 1300},
		"first arrival missing":      {func(e *Times) { e.Kernel.FirstByte = time.Time{} }, user, 5, 1100, 1300},
		"last arrival missing":       {func(e *Times) { e.Kernel.LastByte = time.Time{} }, user, 5, 1100, 1300},
		"overtaken":                  {func(e *Times) { e.Kernel.InOrder = false }, user, 5, 1100, 1300},
		"read much later":            {func(e *Times) { e.FirstByte, e.LastByte = e.FirstByte.Add(time.Second), e.LastByte.Add(time.Second) }, kernel, 5, 995, 1195},
		"held by our queue":          {func(e *Times) { e.Kernel.Transmitted = e.Kernel.Transmitted.Add(500 * unit) }, kernel, 505, 495, 695},
		"held up to the limit":       {func(e *Times) { e.Kernel.Transmitted = e.Sent.Add(heldLimit + 10*unit) }, kernel, 1010, 0, 190},
		"held by the far side":       {func(e *Times) { e.Kernel.Transmitted = e.Sent.Add(heldLimit + 11*unit) }, user, 0, 1100, 1300},
		"sent before the write":      {func(e *Times) { e.Kernel.Transmitted = e.Kernel.Transmitted.Add(-30 * unit) }, user, 0, 1100, 1300},
		"sent at the write":          {func(e *Times) { e.Kernel.Transmitted = e.Sent }, kernel, 0, 1000, 1200},
		"arrived before it was sent": {func(e *Times) { e.Kernel.LastByte = e.Kernel.Transmitted.Add(-1) }, user, 5, 1100, 1300},
		"arrived when it was sent":   {func(e *Times) { e.Kernel.LastByte = e.Kernel.Transmitted }, kernel, 5, 995, 0},
		"begun before it was sent":   {func(e *Times) { e.Kernel.FirstByte = e.Kernel.Transmitted.Add(-1) }, kernel, 5, 0, 1195},
		"arrived when it was read":   {func(e *Times) { e.Kernel.LastByte = e.LastByte }, kernel, 5, 995, 1295},
		"arrived after it was read":  {func(e *Times) { e.Kernel.LastByte = e.LastByte.Add(clockTolerance + 1) }, user, 5, 1100, 1300},
		"clock set forward":          {func(e *Times) { e.Step = clockTolerance + 1 }, user, 0, 1100, 1300},
		"clock set back":             {func(e *Times) { e.Step = -clockTolerance - 1 }, user, 0, 1100, 1300},
		"readings apart":             {func(e *Times) { e.Step = -clockTolerance }, kernel, 5, 995, 1195},
		// The reading of Sent was held up, and so every stamp looks too late.
		"reading held up": {func(e *Times) {
			e.ahead = 5 * time.Millisecond
			e.Kernel.Transmitted = e.Kernel.Transmitted.Add(e.ahead)
			e.Kernel.FirstByte, e.Kernel.LastByte = e.Kernel.FirstByte.Add(e.ahead), e.Kernel.LastByte.Add(e.ahead)
		}, kernel, 5, 995, 1195},
		"early answer, user space": {func(e *Times) { e.Kernel, e.FirstByte = Stamps{}, e.Sent.Add(-1) }, user, 0, 0, 1300},
	} {
		times := exchangeTimes()
		test.change(&times)
		if got := times.Source(); got != test.source {
			t.Errorf("%s: %v", name, got)
		}
		if at, stamped := times.Transmission(); at.Sub(times.Sent) != test.transmitted*unit || !stamped && test.source == kernel {
			t.Errorf("%s: transmitted after %v, stamped %t", name, at.Sub(times.Sent), stamped)
		}
		if times.TimeToFirstByte() != test.first*unit || times.RoundTrip() != test.last*unit {
			t.Errorf("%s: first byte after %v, last after %v", name, times.TimeToFirstByte(), times.RoundTrip())
		}
		if times.RoundTrip() < 0 || times.RoundTrip() > times.UserRoundTrip()+clockTolerance {
			t.Errorf("%s: %v, and %v by user space", name, times.RoundTrip(), times.UserRoundTrip())
		}
	}
}

func TestTimesOfAnExchange(t *testing.T) {
	good := exchangeTimes()
	good.Kernel.Taken = time.Now()
	answer := &Answer{FirstByte: good.FirstByte, LastByte: good.LastByte}
	if got := TimesOf(good.Sent, good.Written, answer, good.Kernel); got.Step.Abs() > clockTolerance || got.Source() != types.TimingSource_TIMING_SOURCE_KERNEL || got.RoundTrip() != good.RoundTrip() {
		t.Errorf("%+v", got)
	}
	// Without an answer the transmission is known all the same.
	got := TimesOf(good.Sent, good.Written, nil, Stamps{Transmitted: good.Kernel.Transmitted, Taken: good.Kernel.Taken})
	if at, stamped := got.Transmission(); !stamped || at.Sub(good.Sent) != 5*time.Microsecond || got.Source() != types.TimingSource_TIMING_SOURCE_USER_SPACE {
		t.Errorf("transmitted at %v, %t: %+v", at, stamped, got)
	}
	// Never sent, never stamped.
	if at, stamped := TimesOf(time.Time{}, time.Time{}, nil, Stamps{}).Transmission(); stamped || !at.IsZero() {
		t.Errorf("%v, %t", at, stamped)
	}
}

// setClock gives a reading as it would be had the wall clock been set forward: its wall time moves, and its monotonic
// one does not.
func setClock(at time.Time, forward time.Duration) time.Time {
	at = at.Add(forward)
	reading := (*struct {
		wall      uint64
		monotonic int64
		_         *time.Location
	})(unsafe.Pointer(&at))
	reading.monotonic -= int64(forward)
	return at
}

// A clock that is set during an exchange is noticed, and a reading that was held up is not taken for that.
func TestSetClock(t *testing.T) {
	now := time.Now()
	if moved := setClock(now, time.Hour); moved.Sub(now) != 0 || moved.Round(0).Sub(now.Round(0)) != time.Hour {
		t.Fatalf("%v is not a reading of a clock that was set: %v", moved, now)
	}
	const kernel, user = types.TimingSource_TIMING_SOURCE_KERNEL, types.TimingSource_TIMING_SOURCE_USER_SPACE
	const second = time.Second
	for name, test := range map[string]struct {
		sent, written, first, last, taken time.Duration
		step                              time.Duration
		source                            types.TimingSource
	}{
		"never":                   {0, 0, 0, 0, 0, 0, kernel},
		"forward in between":      {0, 0, second, second, second, second, user},
		"back in between":         {0, 0, -second, -second, -second, -second, user},
		"forward at the end":      {0, 0, 0, second, second, second, user},
		"sent was held up":        {-second, 0, 0, 0, 0, 0, kernel},
		"written was held up":     {0, -second, 0, 0, 0, 0, kernel},
		"last byte was held up":   {0, 0, 0, -second, 0, 0, kernel},
		"all but one was held up": {0, 0, -second, -second, 0, 0, kernel},
	} {
		good := exchangeTimes()
		good.Kernel.Taken = setClock(good.LastByte, test.taken)
		answer := &Answer{FirstByte: setClock(good.FirstByte, test.first), LastByte: setClock(good.LastByte, test.last)}
		got := TimesOf(setClock(good.Sent, test.sent), setClock(good.Written, test.written), answer, good.Kernel)
		if got.Step != test.step || got.Source() != test.source || got.UserRoundTrip() != good.UserRoundTrip() {
			t.Errorf("%s: step %v, %v, %v: %+v", name, got.Step, got.Source(), got.UserRoundTrip(), got)
		}
	}
}

func TestAnticipated(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Times)
		want   bool
	}{
		"after the request":        {func(*Times) {}, false},
		"without stamps":           {func(e *Times) { e.Kernel = Stamps{} }, false},
		"read before":              {func(e *Times) { e.Kernel, e.FirstByte = Stamps{}, e.Sent.Add(-1) }, true},
		"arrived before, read now": {func(e *Times) { e.Kernel.FirstByte = e.Sent.Add(-time.Millisecond) }, true},
		"clock was set":            {func(e *Times) { e.Step = time.Second }, true},
	} {
		times := exchangeTimes()
		test.change(&times)
		if got := times.Anticipated(); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
