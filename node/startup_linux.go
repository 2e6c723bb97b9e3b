package node

import (
	"bufio"
	"debug/elf"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// forgetStartup has the kernel let go of the pages of this program that were read while it started. Most of the program is
// other commands, whose packages run once to set themselves up. What is needed again is mapped again from the page cache,
// without reading the disk. It is an economy only: where it fails, nothing is lost.
func forgetStartup() {
	program, err := elf.Open("/proc/self/exe")
	if err != nil {
		return
	}
	defer program.Close()
	mappings, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer mappings.Close()
	name, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	for lines := bufio.NewScanner(mappings); lines.Scan(); {
		var start, end uintptr
		var offset uint64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s %x", &start, &end, &mode, &offset); err != nil || !strings.HasSuffix(lines.Text(), " "+name) {
			continue
		}
		if neverWritten(program, mode, offset) {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, start, end-start, syscall.MADV_DONTNEED)
		}
	}
}

// neverWritten reports whether the mapping at an offset of the program is as the file has it. Some that cannot be written
// now were, while the program was linked: those belong to segments that can be written.
func neverWritten(program *elf.File, mode string, offset uint64) bool {
	if mode != "r-xp" && mode != "r--p" {
		return false
	}
	for _, segment := range program.Progs {
		page := uint64(os.Getpagesize())
		if segment.Type == elf.PT_LOAD && segment.Off/page*page == offset {
			return segment.Flags&elf.PF_W == 0
		}
	}
	return false
}
