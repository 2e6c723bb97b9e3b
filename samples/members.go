package samples

import (
	"context"
	"slices"
	"strings"
)

// Members are whom a fisherman sampled, and for which applications, each ordered.
type Members struct{ Servicers, Applications []string }

// Members returns those of the stored sessions whose names begin with a prefix, at most limit of each.
func (r *Reader) Members(ctx context.Context, prefix string, limit int) (Members, error) {
	list, err := r.list(ctx)
	if err != nil {
		return Members{}, err
	}
	servicers, applications := make(map[string]bool), make(map[string]bool)
	for i := range list {
		applications[list[i].Session.GetHeader().GetApplication()] = true
		for _, servicer := range list[i].Members {
			servicers[servicer.Value()] = true
		}
	}
	return Members{Servicers: beginning(servicers, prefix, limit), Applications: beginning(applications, prefix, limit)}, nil
}

// beginning returns the first names that begin with a prefix.
func beginning(names map[string]bool, prefix string, limit int) []string {
	var found []string
	for name := range names {
		if strings.HasPrefix(name, prefix) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found[:min(limit, len(found))]
}
