package node

import "syscall"

// leastRequests is what a fisherman may have under way at once however few descriptors there are.
const leastRequests = 256

// mostRequests is how many requests a fisherman may have under way at once: an eighth of the file descriptors of this
// process. Each takes two, it keeps as many connections between checks, and the rest is for everything else. 0, the fisherman's default,
// when that is less or the limit is not known.
func mostRequests() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return requestsWith(uint64(limit.Cur))
}

// plenty of descriptors leave the default as it is.
const plenty = 1 << 17

func requestsWith(descriptors uint64) int {
	if descriptors >= plenty {
		return 0
	}
	return max(int(descriptors/8), leastRequests)
}
