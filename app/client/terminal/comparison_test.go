package terminal

import (
	"strings"
	"testing"
	"time"

	"github.com/pocket-fisherman/fisherman/app/client/clienttest"
	"github.com/pocket-fisherman/fisherman/rpc/api"
)

// comparison is one that is over, with texts of an attacker.
func comparison() Comparison {
	session := clienttest.Endpoints().Sessions[0]
	c := Comparison{At: clienttest.Noon, Planned: session.ChecksPlanned, Length: 10 * time.Second, Session: session, Skews: []int64{40, 143, 90}, Over: true}
	for _, s := range session.Servicers {
		c.Targets = append(c.Targets, Compared{Name: s.Servicer, Origin: s.ServiceURL, Asked: true, Kind: "evm",
			Chain: api.Value(s.ChainIdentity), Client: api.Value(s.ClientVersion), Head: 5000})
	}
	c.Targets[1].Kind, c.Targets[1].Chain, c.Targets[1].Problem = "", "", clienttest.Hostile
	return c
}

func TestComparisonsMatchGoldenFiles(t *testing.T) {
	asking := comparison()
	asking.Session, asking.Targets[0].Asked = api.SessionReport{}, false
	live := func(c Comparison, width, height int) string {
		return escapes.ReplaceAllString(comparisonModel{width: width, height: height, shown: &c}.View().Content, "") + "\n"
	}
	for name, shown := range map[string]string{
		"comparison.txt":           ComparisonText(comparison(), Form{whole: true}),
		"comparison_80.txt":        ComparisonText(comparison(), Form{width: 80}),
		"comparison_nothing.txt":   ComparisonText(asking, Form{width: 80}),
		"comparison.md":            ComparisonMarkdown(comparison()),
		"comparison_live_80.txt":   live(comparison(), 80, 24),
		"comparison_live_40_5.txt": live(comparison(), 40, 5),
		"comparison_asking_80.txt": live(asking, 80, 24),
	} {
		if strings.ContainsAny(shown, "\x1b\u202e\u009b\r") {
			t.Errorf("%s: a stranger's text reaches the terminal", name)
		}
		for line := range strings.Lines(shown) {
			if width := len([]rune(strings.TrimSuffix(line, "\n"))); strings.Contains(name, "_80") && width > 80 {
				t.Errorf("%s: a line of %d", name, width)
			}
		}
		if name == "comparison_live_40_5.txt" && strings.Count(shown, "\n") > 5 {
			t.Errorf("%s has too many lines: %s", name, shown)
		}
		clienttest.Golden(t, name, []byte(shown))
	}
}
