package rollup

import "cmp"

// Series is one servicer in the sessions of one relay chain and geo zone. The series without a servicer counts checks.
type Series struct {
	Servicer, RelayChain, GeoZone string
}

// Compare orders series by relay chain, geo zone and servicer.
func (s Series) Compare(other Series) int {
	return cmp.Or(cmp.Compare(s.RelayChain, other.RelayChain), cmp.Compare(s.GeoZone, other.GeoZone),
		cmp.Compare(s.Servicer, other.Servicer))
}

// Filter admits series.
type Filter struct {
	// Servicer, RelayChain and GeoZone are those to admit; nil admits all. The series that count checks are not filtered
	// by servicer.
	Servicer, RelayChain, GeoZone *string
}

// Admits reports whether the filter admits a series.
func (f Filter) Admits(s Series) bool {
	return (f.Servicer == nil || s.Servicer == "" || *f.Servicer == s.Servicer) &&
		(f.RelayChain == nil || *f.RelayChain == s.RelayChain) && (f.GeoZone == nil || *f.GeoZone == s.GeoZone)
}
