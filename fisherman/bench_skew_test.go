package fisherman

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// BenchmarkSkew compares the skew of a round with the floor: a bare loop that writes requests to open connections and does
// nothing else meanwhile. Round and loop take turns; both ask the same servicers over connections of their own.
func BenchmarkSkew(b *testing.B) {
	for _, servicers := range []int{24, 100, 1000} {
		b.Run(fmt.Sprint(servicers), func(b *testing.B) { skewOfRounds(b, servicers) })
	}
}

func skewOfRounds(b *testing.B, servicers int) {
	far := startFarside(b, servicers, false)
	fleet := newFleet(b, far.actors)
	fleet.warm()
	writers := newBareWriters(b, fleet)
	writers.write()
	quiet := newQuiet()
	var rounds, loops []time.Duration
	var ratios []float64
	for b.Loop() {
		record := fleet.check()
		loop := writers.write()
		if slices.ContainsFunc(record.GetSamples(), func(s *types.QoSSample) bool { return s.GetSentUnixNano() == 0 }) {
			continue // not all were asked
		}
		rounds, loops = append(rounds, record.GetSkew().AsDuration()), append(loops, loop)
		ratios = append(ratios, float64(rounds[len(rounds)-1])/float64(loop))
	}
	b.ReportMetric(float64(median(rounds))/float64(median(loops)), "skew-ratio")
	b.ReportMetric(median(ratios), "median-of-ratios")
	quiet.reportTimes(b, "round", rounds)
	quiet.reportTimes(b, "loop", loops)
	quiet.report(b)
}

// bareWriters are open connections with a request for each.
type bareWriters struct {
	b       *testing.B
	conns   []net.Conn
	readers []*bufio.Reader
	wires   [][]byte
}

func newBareWriters(b *testing.B, fleet *fleet) *bareWriters {
	b.Helper()
	w := &bareWriters{b: b}
	session := sessionOf(10, 10, 12, fleet.actors...)
	for _, actor := range fleet.actors {
		sealed, err := fleet.ask(session, actor, testQuestion(b).Payload)
		if err != nil {
			b.Fatal(err)
		}
		conn := dialBare(b, actor)
		w.conns, w.readers = append(w.conns, conn), append(w.readers, bufio.NewReader(conn))
		w.wires = append(w.wires, sealed.Wire())
	}
	return w
}

// write writes every request, then reads the answers; it returns the last moment of writing less the first.
func (w *bareWriters) write() time.Duration {
	w.b.Helper()
	var first, last time.Time
	for i, conn := range w.conns {
		last = time.Now()
		if i == 0 {
			first = last
		}
		if _, err := conn.Write(w.wires[i]); err != nil {
			w.b.Fatal(err)
		}
	}
	for _, reader := range w.readers {
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			w.b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			w.b.Fatal(err)
		}
	}
	return last.Sub(first)
}
