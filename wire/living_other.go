//go:build !linux

package wire

// Living returns for each of some connections whether it is alive, as Alive does; false for nil.
func Living(conns []*Conn) []bool {
	living := make([]bool, len(conns))
	for i, conn := range conns {
		living[i] = conn != nil && conn.Alive()
	}
	return living
}
