package rpc

import (
	"errors"
	"net/http"
	"time"
)

// partSize is how much of an answer a client has to take at once, in bytes.
const partSize = 64 << 10

// deliver writes an answer in parts. Who takes nothing of a part, or too long for all, is let go. A writer without deadlines,
// as tests have, goes without.
func (s *Server) deliver(w http.ResponseWriter, answer parts) error {
	to := delivery{w: w, control: http.NewResponseController(w), take: s.limits.take, end: time.Now().Add(s.limits.write)}
	if err := answer(to.add); err != nil {
		return err
	}
	return to.flush()
}

// delivery writes an answer.
type delivery struct {
	w       http.ResponseWriter
	control *http.ResponseController
	take    time.Duration
	end     time.Time
	// waiting is less than a part.
	waiting []byte
}

// add writes bytes, as far as they fill parts. Large ones are not copied.
func (d *delivery) add(bytes []byte) error {
	for len(bytes) > 0 {
		if len(d.waiting) == 0 && len(bytes) >= partSize {
			if err := d.write(bytes[:partSize]); err != nil {
				return err
			}
			bytes = bytes[partSize:]
			continue
		}
		n := min(partSize-len(d.waiting), len(bytes))
		d.waiting, bytes = append(d.waiting, bytes[:n]...), bytes[n:]
		if len(d.waiting) == partSize {
			if err := d.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes what waits.
func (d *delivery) flush() error {
	if len(d.waiting) == 0 {
		return nil
	}
	waiting := d.waiting
	d.waiting = d.waiting[:0]
	return d.write(waiting)
}

// write writes a part.
func (d *delivery) write(part []byte) error {
	soon := time.Now().Add(d.take)
	if d.end.Before(soon) {
		soon = d.end
	}
	if err := d.control.SetWriteDeadline(soon); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	_, err := d.w.Write(part)
	return err
}
