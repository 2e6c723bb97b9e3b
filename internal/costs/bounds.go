package costs

import (
	"runtime"
	"testing"
	"time"
)

// Bounds of what a task may cost that reads an input.
type Bounds struct {
	// Allocated bytes, and Time, for each byte of the input.
	Allocated uint64
	Time      time.Duration
	// AnyAllocated bytes, and AnyTime, for any input beside that.
	AnyAllocated uint64
	AnyTime      time.Duration
}

// Usual returns the bounds of what this program does with an answer: 40 bytes for each of its own and 256 KiB, 10 µs and 1 s.
// Without the race detector, and with a processor to itself, it takes a twentieth of that time.
func Usual() Bounds {
	return Bounds{Allocated: 40, Time: 10 * time.Microsecond, AnyAllocated: 256 << 10, AnyTime: time.Second}
}

// tries is how often a task may exceed its bounds: others run beside it, and allocate.
const tries = 4

// Check runs a task that reads an input of so many bytes, and fails the test when it costs more than the bounds each time.
func (b Bounds) Check(t testing.TB, name string, size int, task func()) {
	t.Helper()
	for try := 1; ; try++ {
		allocated, took := measure(task)
		if allocated <= b.AnyAllocated+b.Allocated*uint64(size) && took <= b.AnyTime+b.Time*time.Duration(size) {
			t.Logf("%5.1f bytes and %5.1f ns a byte: %s, %d bytes", float64(allocated)/float64(size), float64(took.Nanoseconds())/float64(size), name, size)
			return
		}
		if try == tries {
			t.Fatalf("%s: %d bytes cost %d bytes and %v", name, size, allocated, took)
		}
	}
}

// measure runs a task and returns what this process allocated meanwhile, and how long it took.
func measure(task func()) (allocated uint64, took time.Duration) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	task()
	took = time.Since(start)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, took
}
