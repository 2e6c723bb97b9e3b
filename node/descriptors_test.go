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

// Clients leave a reserve of descriptors, and a few connections each, however many descriptors there are.
func TestClientsFitTheDescriptors(t *testing.T) {
	for _, test := range []struct {
		descriptors           uint64
		servicers             int
		servicer, api, perAPI int
		open                  int
	}{
		{0, 1, 1024, 128, 32, 0},
		{256, 1, 64, 16, 4, 192},
		{1024, 1, 256, 64, 16, 768},
		{1024, 10, 25, 64, 16, 768},
		{1024, 0, 256, 64, 16, 768},
		{4096, 1, 1024, 128, 32, 3072},
		{1 << 20, 10, 1024, 128, 32, 1<<20 - 1024},
		{1<<64 - 1, 1, 1024, 128, 32, 1<<30 - 1024},
	} {
		got := inboundWith(test.descriptors, test.servicers)
		if got.servicer.Most != test.servicer || got.api.Most != test.api || got.api.PerClient != test.perAPI || got.servicer.Descriptors != test.open {
			t.Errorf("%d descriptors, %d servicers: %+v", test.descriptors, test.servicers, got)
		}
		if got.servicer.PerClient < 1 || got.servicer.PerClient > got.servicer.Most || got.chainRPC.Most < leastInbound || got.profiles.Descriptors != test.open {
			t.Errorf("%d descriptors, %d servicers: %+v", test.descriptors, test.servicers, got)
		}
	}
}
