package node

// claim is what one part of a node needs of something scarce: at least and at most.
type claim struct {
	least, most int
	// weight of its share in what is left when all parts have the least.
	weight int
	// given is what it gets.
	given int
}

// least is what all claims need.
func least(claims []*claim) (sum int) {
	for _, each := range claims {
		sum += each.least
	}
	return sum
}

// shareOut gives all claims the least, which has to be there, and shares out the rest by weight among those that want more.
// What it gives is never more than what there is.
func shareOut(there int, claims []*claim) {
	left := there
	for _, each := range claims {
		each.given = each.least
		left -= each.least
	}
	for {
		weights := 0
		for _, each := range claims {
			if each.given < each.most {
				weights += each.weight
			}
		}
		rest := left
		for _, each := range claims {
			if each.given < each.most {
				more := min(rest*each.weight/weights, each.most-each.given)
				each.given += more
				left -= more
			}
		}
		if left == rest {
			return // nothing is left, or too little for a share
		}
	}
}
