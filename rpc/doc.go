// Package rpc serves what a node knows over HTTP as JSON, for reading, makes
// checks on demand, and takes transactions. Its central type is Server: New fits it to
// small readers of the chain's state and of the fisherman's samples, Serve runs it on a listener until its context ends.
//
//	GET /v1/status                                       the node: chain, height, fisherman, version
//	GET /v1/session?application=A&relay_chain=C[&height=H] the session that the block at a height belongs to
//	GET /v1/actors?type=T[&height=H]                     the staked actors of one type
//	GET /v1/account?address=A[&height=H]                 what an address owns, its sequence, and what is unbonding
//	GET /v1/qos[?session=ID][&servicer=A][&last=N]       the quality of service that the fisherman measured
//	GET /v1/relays[?last=N]                              what the node's servicers keep of relays, by session, with counters
//	GET /v1/relays/session?session=ID[&from=N][&limit=N] the relays that are kept of a session, with both signatures
//	GET /v1/qos?window=SPAN[&servicer=A]                 the same, merged over the newest sessions: "10" or "24h"
//	GET /v1/evidence[?session=ID][&servicer=A][&check=N][&limit=N][&before_session=ID&before_check=N]
//	                                                     signed proof of disagreement, the newest check first
//	POST /v1/check?servicer=A[&application=A][&relay_chain=C] asks a servicer and the others of its session, unscored
//	POST /v1/tx[?wait=true]                              hands in the envelope of a transaction
//
// A request passes, in this order: a bound on open connections, header and body limits, path, method, parameters
// (unknown and repeated ones are refused), the reader, and one encoder. Every refusal is an object of a fixed form with a
// stable code: {"error":{"code":"unknown_application","message":"…"}}.
package rpc
