package fisherman

import (
	"strings"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/api"
)

func TestDifference(t *testing.T) {
	for _, test := range []struct {
		answers []string
		want    int
	}{
		{nil, 0}, {[]string{"a"}, 0}, {[]string{"a", "a"}, 0}, {[]string{"abc", "abd"}, 2}, {[]string{"ab", "ab", "abc"}, 2}, {[]string{"abc", "", "abc"}, 0},
	} {
		if got := difference(test.answers); got != test.want {
			t.Errorf("%q: %d, want %d", test.answers, got, test.want)
		}
	}
}

func TestClipped(t *testing.T) {
	long := strings.Repeat("a", 100) + "X" + strings.Repeat("é", 100)
	for _, test := range []struct {
		text string
		at   int
		want string
	}{
		{"", 0, ""}, {"short", 3, "short"}, {"a\x1b[2Jb\nc", 0, "a?[2Jb c"}, {"short", 99, "short"},
		{long, 100, "…" + strings.Repeat("a", 40) + "X" + strings.Repeat("é", 59) + "…"},
	} {
		if got := clipped(test.text, test.at); got != test.want {
			t.Errorf("%.20q at %d: %q, want %q", test.text, test.at, got, test.want)
		}
	}
}

// What a node says of evidence ends up on a terminal.
func TestEvidenceTextIsClean(t *testing.T) {
	const bad = "\x1b[2J\u202e\n"
	side := api.EvidenceSide{Servicer: api.EvidenceParty{Address: bad}, Answer: bad}
	page := api.EvidencePage{Unkept: 2, Next: &api.EvidencePlace{}, Evidence: []api.Evidence{{
		Session: api.EvidenceSession{ID: bad}, AskedAt: bad, Question: bad, Request: bad, IgnoredFields: []string{bad},
		Votes: []api.EvidenceVote{{Servicer: bad, ServiceURL: bad, Consistency: bad, Digest: bad}}, Sides: []api.EvidenceSide{side, side},
	}}}
	text := evidenceText(page)
	if strings.ContainsAny(text, "\x1b\u202e") || strings.Count(text, "\n") != 10 || !strings.Contains(text, "2 further checks") {
		t.Errorf("%q", text)
	}
	if text := evidenceText(api.EvidencePage{}); !strings.Contains(text, "no disagreement") {
		t.Errorf("%q", text)
	}
}
