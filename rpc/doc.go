// Package rpc serves what a node knows over HTTP as JSON, for reading, makes
// checks on demand, and takes transactions. Its central type is Server: New fits it to
// small readers of the chain's state and of the fisherman's samples, Serve runs it on a listener until its context ends.
//
//	GET /v1/status                                       the node: network, chain, height, fisherman, version, control probes
//	GET /v1/health                                       200 while the process lives
//	GET /v1/ready                                        200 while the node is level with its chain; else 503 and what is amiss
//	GET /v1/version                                      how the program was built
//	GET /v1/openapi.yaml                                 all of this as OpenAPI 3, which is the source (v1/openapi.yaml)
//	GET /v1/params[?height=H]                            the governed parameters, as the genesis file writes them
//	GET /v1/block[?height=H]                             a committed block: hash, time, proposer, transactions, app hash
//	GET /v1/blocks[?from=H][&limit=N]                    committed blocks by height; the newest unless from is given
//	GET /v1/transaction?hash=H[&height=H]                a transaction in a block, with its result
//	GET /v1/session?application=A&relay_chain=C[&height=H] the session that the block at a height belongs to
//	GET /v1/actors?type=T[&height=H]                     the staked actors of one type
//	GET /v1/account?address=A[&height=H]                 what an address owns, its sequence, and what is unbonding
//	GET /v1/addresses[?prefix=P][&role=R][&limit=N]      which addresses begin with a prefix, for one that was shortened
//	GET /v1/qos[?session=ID][&servicer=A][&last=N]       the quality of service that the fisherman measured
//	GET /v1/qos?rolling=N|D|N,D[&servicer=A][&last=N]    the same; how many of the newest checks, and how old, say what holds now
//	GET /v1/qos/rounds?session=ID[&servicer=A][&from=INDEX][&limit=N] single checks of a session with their samples
//	GET /v1/qos/events                                   server-sent events: rounds and sessions as they are stored
//	GET /v1/relays[?last=N]                              what the node's servicers keep of relays, by session, with counters
//	GET /v1/relays/session?session=ID[&from=N][&limit=N] the relays that are kept of a session, with both signatures
//	GET /v1/qos?window=SPAN[&servicer=A]                 the same, merged over the newest sessions: "10" or "24h"
//	GET /v1/evidence[?session=ID][&servicer=A][&check=N][&limit=N][&before_session=ID&before_check=N]
//	                                                     signed proof of disagreement, the newest check first
//	POST /v1/check?servicer=A[&application=A][&relay_chain=C] asks a servicer and the others of its session, unscored
//	POST /v1/tx[?wait=true]                              hands in the envelope of a transaction
//
// Beside these paths it serves the pages that it is given (Config.Pages), such as the dashboard at "/".
//
// A fisherman that samples a list of endpoints has no chain (Readers, Network): the paths that read one answer 404 no_chain.
//
// A request passes, in this order: a bound on open connections, header and body limits, path, method, parameters
// (unknown and repeated ones are refused), the reader, one encoder, and the compressor if the client takes gzip. What the client
// has already, by its tag, is answered 304 (content.go). Every refusal is an object of a fixed form with a
// stable code: {"error":{"code":"unknown_application","message":"…"}}.
//
// # Rounds
//
// GET /v1/qos/rounds answers a page of a session's checks, ordered by index, which may have holes. It ends after limit
// rounds (100 unless told, at most 1000) or some 4 MiB; next is the from of the following page, null on the last one.
// servicer narrows the samples, not the rounds. Times are RFC 3339 with nanoseconds, in UTC; what is not known is null,
// lists never are (api.Round):
//
//	{"session":"1f…","stored":10,"next":1,"rounds":[
//	  {"session":"1f…","index":0,"status":"DONE","cause":null,"reason":"","planned":"2026-01-02T03:04:05.000000123Z",
//	   "released":"2026-01-02T03:04:05.000000456Z","skew_us":104,"question":"block height=12","kind":"SETTLED",
//	   "reference_height":null,"form":"JSON","samples":[
//	    {"servicer":"00…bb","service_url":"http://…","operator":"acme","origin":1,"outcome":"OK","blame":null,"consistency":"AGREE",
//	     "attempt":null,"detail":"",
//	     "sent":"2026-01-02T03:04:05.000000789Z","rtt_ms":12.345,"ttfb_ms":12.3,"user_rtt_ms":12.6,"timing":"KERNEL",
//	     "dns_ms":null,"connect_ms":null,"tls_ms":null,"reused":true,"over_sla":false,
//	     "relay_error_code":null,"relay_error":null,"answer_digest":"cd…","evidence":false,
//	     "answer":"VALUE","head":null,"lag":null,"lag_ms":null}]}]}
//
// Status, cause, kind, form, outcome, blame, consistency, attempt, answer and timing are words of fixed lists, which the
// document has. Each has a key with _word appended beside it, which is not shown above: the same word in lower case.
//
// # Events
//
// GET /v1/qos/events is text/event-stream (an EventSource of a browser reads it), endless, with a comment every 15 seconds
// at the latest. It begins with a comment, as soon as the client listens.
//
//	id: 1767323045000000123
//	event: round
//	data: {"session":"1f…","index":0,…}      one round as above, whole
//
//	id: 1767323046000000456
//	event: session
//	data: {"id":"1f…","height":20,"blocks":10,"relay_chain":"0001","geo_zone":"…","application":"…","checks_planned":10,
//	       "latency_sla_ms":150,"null_samples_allowed":2,"samples_required":3,"max_lag":5,"lagging_allowed":0,
//	       "disagreements_allowed":0,"joined_height":20,"joined":"2026-…Z",
//	       "closed":false,"catalogue":"cometbft","started":null,"ended":null,
//	       "servicers":[{"address":"00…bb","service_url":"http://…","standing":"asked","chain_identity":null,
//	       "client_version":null}]}
//
// A round is told of when it is stored. A session is told of when it was taken up, when it has a further member, and
// when it is complete (closed is true). A client that listens first and then reads GET /v1/qos and the rounds misses
// nothing. With the header Last-Event-ID, which an EventSource sends by itself when it connects again, the stream begins
// with what was stored since that event, without ids and at least once: a round is known by session and index. When that
// is more than 1000 rounds or 4 MiB, the newest are told, after an event "gap" with data {}. At most 32 clients listen,
// on at most half of the connections; a further one ends the oldest stream of the client address with the most. One for which
// 256 events wait is cut off. Both may go on with Last-Event-ID.
package rpc
