package collector

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/pocket-fisherman/fisherman/feed/protocol"
)

// Partition is the relay chains that a collector reads; none stands for all.
type Partition []string

// Durable returns the name of the partition's consumer: the same for the same relay chains in any order.
func (p Partition) Durable() string {
	if len(p) == 0 {
		return "collector"
	}
	sum := sha256.Sum256([]byte(strings.Join(p.subjects(), "\n")))
	return "collector-" + hex.EncodeToString(sum[:6])
}

// subjects returns the filters of the partition's consumer, sorted.
func (p Partition) subjects() []string {
	if len(p) == 0 {
		return []string{protocol.AllSubjects}
	}
	var subjects []string
	for _, relayChain := range p {
		subjects = append(subjects, protocol.SubjectPrefix+"*."+protocol.Token(relayChain)+".*")
	}
	slices.Sort(subjects)
	return slices.Compact(subjects)
}
