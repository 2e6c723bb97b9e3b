// Package session selects who serves whom, and who watches.
//
// ID identifies a session: it is a hash that includes the previous block's, so it cannot be known earlier. Select ranks
// the candidates by a hash of that id and their address and takes the first. New does both and assembles a
// types.Session. Selection depends on nothing else: not on the order of the candidates, not on a language's random
// generator. When a member leaves, the next in rank replaces it and all others stay.
//
// testdata/sessions.json holds vectors for other implementations; testdata/vectors.py, which wrote them, is such an
// implementation.
package session
