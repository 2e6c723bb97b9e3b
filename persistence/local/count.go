package local

import (
	"context"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"golang.org/x/sync/errgroup"
)

// countShards is how many parts of the rounds are counted apart: of both forms of ids a quarter each.
const countShards = 8

// counted is what was counted of a session's rounds.
type counted struct {
	rounds int
	above  uint64
	bytes  int64
	marks  uint64
}

// countRounds counts the rounds of a database, with all processors, and passes every record to check. Of sampled sessions it
// reads the facts meanwhile. Errors: the first one by the order of keys.
func (c *catalogue) countRounds(db *pebble.DB, sampled bool, check func(key, record []byte) error) error {
	var shards [countShards]map[sessionID]*counted
	var errs [countShards]error
	var ofFacts error
	var workers errgroup.Group
	workers.SetLimit(runtime.GOMAXPROCS(0))
	if sampled {
		workers.Go(func() error {
			ofFacts = c.readFacts(db)
			return nil
		})
	}
	for i := range countShards {
		workers.Go(func() error {
			shards[i], errs[i] = c.countShard(db, i, check)
			return nil
		})
	}
	_ = workers.Wait()
	if ofFacts != nil {
		return ofFacts
	}
	for i, shard := range shards {
		if errs[i] != nil {
			return errs[i]
		}
		for id, of := range shard {
			e := c.byID[id]
			e.rounds, e.above, e.roundBytes, e.marks = of.rounds, of.above, of.bytes, of.marks
			c.rounds += of.rounds
			c.bytes += of.bytes
		}
	}
	return nil
}

// countShard counts a part of the rounds. It changes nothing in the catalogue.
func (c *catalogue) countShard(db *pebble.DB, shard int, check func(key, record []byte) error) (map[sessionID]*counted, error) {
	lower, upper := shardBounds(shard)
	found := make(map[sessionID]*counted)
	var last sessionID
	var of *counted
	err := scan(context.Background(), db, lower, upper, func(key, record []byte) error {
		id, ok := idInRoundKey(key)
		if !ok || c.byID[id] == nil {
			return corrupt(key, "not the key of a round of a stored session")
		}
		if of == nil || id != last {
			if last, of = id, found[id]; of == nil {
				of = new(counted)
				found[id] = of
			}
		}
		of.rounds++
		of.above = max(of.above, uint64(indexInRoundKey(key))+1)
		of.bytes += keyed{key, record}.size()
		of.marks += mixed(markOf(record))
		return check(key, record)
	})
	return found, err
}

// shardBounds returns the first key of a shard and the first after it. All shards together have the keys of roundBounds, in
// their order.
func shardBounds(shard int) (lower, upper []byte) {
	const quarters = countShards / 2
	bound := func(shard int) []byte {
		return []byte{keyVersion, byte(kindRound + shard/quarters), byte(shard % quarters * (256 / quarters))}
	}
	lower, upper = bound(shard), bound(shard+1)
	first, last := roundBounds()
	if shard == 0 {
		lower = first
	}
	if shard == countShards-1 {
		upper = last
	}
	return lower, upper
}
