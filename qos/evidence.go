package qos

// EvidenceFormat names the form of an EvidenceFile.
const EvidenceFormat = "pocket-evidence/1"

// EvidenceFile is what can be handed to somebody who trusts nobody: every piece is checked from its own signatures,
// without a node (docs/adr/0029).
type EvidenceFile struct {
	// Format is EvidenceFormat.
	Format   string     `json:"format"`
	Evidence []Evidence `json:"evidence"`
}

// EvidencePage is a part of a fisherman's evidence, the newest check first.
type EvidencePage struct {
	Evidence []Evidence `json:"evidence"`
	// Unkept counts rounds with disagreement of which there is no evidence: an answer was too large for its envelope to be
	// kept, or the question is not JSON-RPC.
	Unkept int `json:"unkept"`
	// Next is where the page after this one begins; nil on the last one.
	Next *EvidencePlace `json:"next"`
}

// EvidencePlace is a check of a session. A page holds what is older than its place.
type EvidencePlace struct {
	Session string `json:"session"`
	Check   uint32 `json:"check"`
}

// Evidence is one check in which servicers disagreed: who said what, and the signed envelopes of every dissenter and of
// one servicer of the majority. Times are RFC 3339 with nanoseconds, in UTC.
type Evidence struct {
	Session EvidenceSession `json:"session"`
	// Check is its place in the session's plan, from 0.
	Check uint32 `json:"check"`
	// PlannedAt is when the schedule wanted the check, AskedAt when its requests were released.
	PlannedAt string `json:"planned_at"`
	AskedAt   string `json:"asked_at"`
	// Question is its name for people, Request its payload as text.
	Question string `json:"question"`
	Request  string `json:"request"`
	// Rule is the canonical form that digests are taken of, IgnoredFields the JSON pointers to what it leaves out.
	Rule          string   `json:"rule"`
	IgnoredFields []string `json:"ignored_fields"`
	// Fisherman asked, and signed this piece.
	Fisherman EvidenceParty `json:"fisherman"`
	// Votes are what every servicer said that answered, by address.
	Votes []EvidenceVote `json:"votes"`
	// Sides are those whose envelopes are kept, by address.
	Sides []EvidenceSide `json:"sides"`
	// Signature is the fisherman's over all the rest: 128 hex digits.
	Signature string `json:"signature"`
}

// EvidenceSession is a session's header.
type EvidenceSession struct {
	ID          string `json:"id"`
	StartHeight int64  `json:"start_height"`
	RelayChain  string `json:"relay_chain"`
	GeoZone     string `json:"geo_zone"`
	Application string `json:"application"`
}

// EvidenceParty is somebody who signs: the address is that of the public key, 64 hex digits.
type EvidenceParty struct {
	Address   string `json:"address"`
	PublicKey string `json:"public_key"`
}

// EvidenceVote is what one servicer said, by its digest.
type EvidenceVote struct {
	Servicer   string `json:"servicer"`
	ServiceURL string `json:"service_url"`
	// Consistency is AGREE, DISAGREE or UNDECIDABLE.
	Consistency string `json:"consistency"`
	// Digest is SHA-256 of the answer's canonical form, 64 hex digits.
	Digest string `json:"digest"`
}

// EvidenceSide is one servicer's answer as it went over the wire.
type EvidenceSide struct {
	Servicer EvidenceParty `json:"servicer"`
	// Consistency is AGREE or DISAGREE.
	Consistency string `json:"consistency"`
	Digest      string `json:"digest"`
	// SentAt is when the request was written.
	SentAt string `json:"sent_at"`
	// Answer is the response's payload as text.
	Answer string `json:"answer"`
	// RequestEnvelope and ResponseEnvelope as sent and received, in base64.
	RequestEnvelope  []byte `json:"request_envelope"`
	ResponseEnvelope []byte `json:"response_envelope"`
}
