// Package session selects who serves whom, and who watches.
//
// ID names a session: a hash that the block before it enters, so nobody knows it earlier. Select ranks the candidates
// by a hash of that id and their address and takes the first. New does both and assembles a types.Session. Selection
// depends on nothing else: not on the order of the candidates, not on a language's random generator. When a member
// leaves, the next in rank takes the place and nobody else moves.
//
// testdata/sessions.json holds vectors for other implementations; testdata/vectors.py, which made them, is one.
package session
