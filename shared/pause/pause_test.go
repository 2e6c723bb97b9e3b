package pause

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestFor(t *testing.T) {
	for name, test := range map[string]struct {
		wait, ends, want time.Duration
		err              error
	}{
		"all of it":                {time.Second, time.Minute, time.Second, nil},
		"until the context ends":   {time.Minute, time.Second, time.Second, context.DeadlineExceeded},
		"nothing":                  {-time.Second, time.Minute, 0, nil},
		"nothing, after the end":   {-time.Second, 0, 0, context.DeadlineExceeded},
		"something, after the end": {time.Second, 0, 0, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), test.ends)
				defer cancel()
				began := time.Now()
				if err := For(ctx, test.wait); !errors.Is(err, test.err) || time.Since(began) != test.want {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		})
	}
}
