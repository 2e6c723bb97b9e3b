// Package session selects who serves whom, and who watches.
//
// ID identifies a session: it is a hash that includes the previous block's, so it cannot be known earlier. MayTakePart says
// who is a candidate: who was what it is a whole session before that (FixedAt). Select ranks the candidates by a hash of the
// id and their address and takes the first. New does all of this and assembles a types.Session. Selection depends on nothing
// else: not on the order of the candidates, not on a language's random generator. When a member leaves, the next in rank
// replaces it and all others stay; nobody joins.
//
// testdata/sessions.json holds vectors for other implementations; testdata/vectors.py, which wrote them, is such an
// implementation.
package session
