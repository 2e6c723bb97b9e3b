package fisherman

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
)

// childRole is the variable that makes the test binary play a part beside a benchmark, in a process of its own: its
// scheduler, its garbage and its processor time are not the fisherman's.
const childRole = "POCKET_BENCH_ROLE"

// playRole plays a part until the input ends. Parts are told what to do, and answer, by lines of JSON.
func playRole(role string) int {
	told, said := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var err error
	switch role {
	case "farside":
		err = playFarside(told, said)
	case "faulty":
		err = playFaulty(told, said)
	case "busy":
		err = playBusy(told, said)
	case "clock":
		err = playClock(told, said)
	default:
		err = fmt.Errorf("no role %q", role)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		return 1
	}
	return 0
}

// awaitEnd waits for the end of a child's input.
func awaitEnd(told *json.Decoder) {
	_, _ = io.Copy(io.Discard, told.Buffered())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// child is a process that plays a part for as long as a benchmark.
type child struct {
	b    testing.TB
	tell *json.Encoder
	said *json.Decoder
}

func startChild(b testing.TB, role string) *child {
	b.Helper()
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	process := exec.Command(program)
	process.Env = append(os.Environ(), childRole+"="+role)
	process.Stderr = os.Stderr
	input, err := process.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	output, err := process.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := process.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = input.Close() // which ends it
		if err := process.Wait(); err != nil {
			b.Errorf("%s: %v", role, err)
		}
	})
	return &child{b: b, tell: json.NewEncoder(input), said: json.NewDecoder(output)}
}

// ask tells the child something and waits for what it says.
func (c *child) ask(command, answer any) {
	c.b.Helper()
	if err := c.tell.Encode(command); err != nil {
		c.b.Fatal(err)
	}
	if err := c.said.Decode(answer); err != nil {
		c.b.Fatal(err)
	}
}
