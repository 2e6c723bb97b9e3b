package servicer_test

import (
	"io"
	"net"
	"testing"
)

// A relay takes no more allocations than it does now, and a few that depend on the time of collections.
func TestAllocationsOfARelay(t *testing.T) {
	const most, relays = 60, 300
	node := listen(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := node.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		answer, asked := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n"+string(reply)), make([]byte, 4<<10)
		for { // a request comes in one piece
			if _, err := conn.Read(asked); err != nil {
				return
			}
			_, _ = conn.Write(answer)
		}
	}()
	s := newServicer(t, newChain(25), "http://"+node.Addr().String())
	running := serve(t, s)
	var wires [][]byte
	for range relays + 2 { // one more is not counted
		wires = append(wires, httpPost("/v1/relay", "application/x-protobuf", seal(t, applicationKey, newRequest()).Envelope))
	}
	client, err := net.Dial("tcp", running.address)
	if err != nil {
		t.Fatal(err)
	}
	size, answer := 0, make([]byte, 4<<10)
	exchange := func() {
		_, _ = client.Write(wires[0])
		wires = wires[1:]
		if size == 0 {
			size, _ = client.Read(answer)
			return
		}
		_, _ = io.ReadFull(client, answer[:size])
	}
	exchange()
	if got := testing.AllocsPerRun(relays, exchange); got > most {
		t.Errorf("%v allocations, at most %d", got, most)
	}
	_ = client.Close()
	running.wait(t)
	s.Close()
	_ = node.Close()
	<-ended
}
