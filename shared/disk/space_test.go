package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestFull(t *testing.T) {
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS} {
		if !Full(fmt.Errorf("commit: %w", &os.PathError{Op: "write", Path: "1.log", Err: cause})) {
			t.Errorf("%v is none of a full disk", cause)
		}
	}
	for _, cause := range []error{nil, syscall.EIO, io.ErrUnexpectedEOF, os.ErrNotExist} {
		if Full(cause) {
			t.Errorf("%v is one of a full disk", cause)
		}
	}
}

func TestProbe(t *testing.T) {
	home := t.TempDir()
	if err := Probe(home, 3<<20); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(home, "*")); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if err := Probe(filepath.Join(home, "none"), 1); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if free, err := Free(home); err != nil || free == 0 {
		t.Errorf("%d free, %v", free, err)
	}
}
