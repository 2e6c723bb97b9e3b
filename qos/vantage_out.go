package qos

// presence is what a vantage point has in a bucket, over all servicers.
type presence struct {
	servicers int
	answered  bool
	// contradicted: a servicer that it had no answer of answered another vantage point that is not blank.
	contradicted bool
}

func (p *presence) blank() bool { return p.servicers >= 2 && !p.answered }

// findOut finds the buckets within [first, end) in which places are out, as RollVantages documents.
func (m *vantageMerge) findOut(members map[string][]VantageMember, first, end int64) {
	buckets := make(map[int64]map[string]*presence)
	visit := func(take func(known []VantageMember, place string, bucket Bucket)) {
		for _, known := range members {
			for i := range known {
				for _, bucket := range known[i].Buckets {
					if bucket.Slot >= first && bucket.Slot < end {
						take(known, known[i].Place, bucket)
					}
				}
			}
		}
	}
	visit(func(_ []VantageMember, place string, bucket Bucket) {
		here := buckets[bucket.Slot]
		if here == nil {
			here = make(map[string]*presence)
			buckets[bucket.Slot] = here
		}
		if here[place] == nil {
			here[place] = new(presence)
		}
		here[place].servicers++
		here[place].answered = here[place].answered || bucket.answers() > 0
	})
	if !dropCommon(buckets) {
		m.noteNewest(nil)
		return
	}
	visit(func(known []VantageMember, place string, bucket Bucket) {
		here := buckets[bucket.Slot][place]
		if here == nil || !here.blank() || here.contradicted {
			return
		}
		for i := range known {
			if known[i].Buckets.at(bucket.Slot).answers() > 0 { // who has an answer is not blank
				here.contradicted = true
			}
		}
	})
	m.out = make(map[string]map[int64]bool)
	for slot, here := range buckets {
		for place, seen := range here {
			if !seen.blank() || !seen.contradicted {
				continue
			}
			if m.out[place] == nil {
				m.out[place] = make(map[int64]bool)
			}
			m.out[place][slot] = true
		}
	}
	m.noteNewest(members)
}

// dropCommon drops the buckets in which nobody can be out: nobody is blank, or more than half are. It reports whether any
// is left.
func dropCommon(buckets map[int64]map[string]*presence) bool {
	for slot, here := range buckets {
		blank := 0
		for _, seen := range here {
			if seen.blank() {
				blank++
			}
		}
		if blank == 0 || mostOf(blank, len(here)) {
			delete(buckets, slot)
		}
	}
	return len(buckets) > 0
}

// noteNewest notes which places are out in the newest bucket that they have samples in.
func (m *vantageMerge) noteNewest(members map[string][]VantageMember) {
	newest := make(map[string]int64)
	for _, known := range members {
		for i := range known {
			if at := len(known[i].Buckets); at > 0 && m.out[known[i].Place] != nil {
				newest[known[i].Place] = max(newest[known[i].Place], known[i].Buckets[at-1].Slot)
			}
		}
	}
	for place, slot := range newest {
		m.merged.Places[place].Out = m.out[place][slot]
	}
}
