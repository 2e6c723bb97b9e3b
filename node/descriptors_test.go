package node

import "testing"

func TestRequestsFitTheDescriptors(t *testing.T) {
	for descriptors, want := range map[uint64]int{
		0: 256, 1024: 256, 4096: 512, 20_000: 2500, 131_071: 16_383, 131_072: 0, 1 << 20: 0, 1<<64 - 1: 0,
	} {
		if got := requestsWith(descriptors); got != want {
			t.Errorf("%d descriptors: %d requests, want %d", descriptors, got, want)
		}
	}
	if got := mostRequests(); got != 0 && got < leastRequests {
		t.Errorf("%d requests here", got)
	}
}
