// Package impure breaks every rule for pure packages once, and keeps them where that is easily mistaken.
package impure

import (
	"context"
	"crypto/rand" // want: import of crypto/rand in a pure package
	"errors"
	"fmt"
	"log/slog" // want: import of log/slog in a pure package
	global "math/rand/v2"
	"net"      // want: import of net in a pure package
	"net/http" // want: import of net/http in a pure package
	"net/netip"
	"os" // want: import of os in a pure package
	"regexp"
	"sync/atomic" // want: import of sync/atomic in a pure package
	"time"

	"github.com/spf13/cobra" // want: import of github.com/spf13/cobra in a pure package
	"google.golang.org/protobuf/proto"
)

var (
	errSentinel = errors.New("allowed")
	errWrapped  = fmt.Errorf("allowed: %w", errSentinel)
	form        = regexp.MustCompile(`allowed`)
	_           = proto.Marshal
	table       = []int{1, 2, 3}

	listed   = []int{1}           // want: package-level variable listed in a pure package
	counter  int                  // want: package-level variable counter in a pure package
	one, two = pair()             // want: package-level variable one in a pure package | package-level variable two in a pure package
	clock    = time.Now           // want: package-level variable clock in a pure package | use of time.Now in a pure package
	registry = map[string]point{} // want: package-level variable registry in a pure package
	nested   = &point{}           // want: package-level variable nested in a pure package
	_        http.Handler         // the import is what counts
	_        atomic.Int64
	_        cobra.Command
	_        net.Conn
)

type point struct{ x int }

func (point) Now() int { return 0 }

func pair() (int, int) { return 1, 2 }

func init() { // want: func init in a pure package
	counter = 1 // want: package-level variable counter is changed, or may be
}

type method struct{}

func (method) init() {}

func writes() {
	counter++               // want: package-level variable counter is changed, or may be
	table[0] = 2            // want: package-level variable table is changed, or may be
	(table[0])++            // want: package-level variable table is changed, or may be
	nested.x = 1            // want: package-level variable nested is changed, or may be
	(*nested).x = 1         // want: package-level variable nested is changed, or may be
	errSentinel = nil       // want: package-level variable errSentinel is changed, or may be
	delete(registry, "a")   // want: package-level variable registry is changed, or may be
	clear(table)            // want: package-level variable table is changed, or may be
	pointer := &form        // want: package-level variable form is changed, or may be
	for counter = range 3 { // want: package-level variable counter is changed, or may be
	}
	http.DefaultClient = nil // want: package-level variable DefaultClient is changed, or may be
	table := []int{table[0]}
	table[0] = 3
	_, _, _ = pointer, table, errWrapped
	_, _, _, _ = listed, one, two, clock
}

func clocks(ctx context.Context) {
	moment := time.Unix(0, 0).UTC()
	_ = moment.After(moment) // a method of the same name as a function that is denied
	_ = point{}.Now()
	_ = time.Since(moment)      // want: use of time.Since in a pure package
	_ = time.After(time.Second) // want: use of time.After in a pure package
	time.Sleep(1)               // want: use of time.Sleep in a pure package
	_ = time.NewTimer(1)        // want: use of time.NewTimer in a pure package
	_ = time.Local              // want: use of time.Local in a pure package
	later := time.Until         // want: use of time.Until in a pure package
	_ = later
	_, cancel := context.WithTimeout(ctx, 1) // want: use of context.WithTimeout in a pure package
	cancel()
}

func world() {
	go writes()     // want: go statement in a pure package
	fmt.Println()   // want: use of fmt.Println in a pure package
	println()       // want: use of println in a pure package
	_ = global.N(3) // want: use of math/rand/v2.N in a pure package
	_ = global.IntN // want: use of math/rand/v2.IntN in a pure package
	_ = global.New(global.NewChaCha8([32]byte{})).IntN(3)
	_, _ = rand.Read(nil)
	slog.Info("")
	_ = os.Args
	_ = netip.Addr{}
}
