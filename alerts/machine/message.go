package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

// FormatVersion is the version of a Message's JSON. Keys may be added to a version; none is removed or changes its meaning.
const FormatVersion = 1

// Bounds of a message.
const (
	// MaximumAlerts is the maximum number of alerts that a message lists.
	MaximumAlerts = 50
	// MaximumText is the maximum length of a message's Text, in bytes: what fits a message of every receiver.
	MaximumText = 1600
	// maximumTitle bounds the title, in bytes.
	maximumTitle = 200
	// maximumLine bounds what the text says of one servicer, in bytes.
	maximumLine = 200
	// maximumReason bounds a reason in an alert, in bytes.
	maximumReason = 300
)

// Status is what a message is about.
type Status string

// Statuses.
const (
	// StatusFiring is for servicers that have had a verdict of the rule for its time.
	StatusFiring Status = "firing"
	// StatusRepeated is the reminder that the rule still fires.
	StatusRepeated Status = "repeated"
	// StatusResolved is for those that the rule fired for, when that is over.
	StatusResolved Status = "resolved"
	// StatusTest is for a message that tests a receiver.
	StatusTest Status = "test"
)

// Ended is why an alert is over.
type Ended string

// Ends of alerts.
const (
	// EndedVerdict is that the verdict is none of the rule's any more.
	EndedVerdict Ended = "verdict"
	// EndedNotSampled is that the servicer is not sampled any more.
	EndedNotSampled Ended = "not_sampled"
	// EndedRuleRemoved is that the configuration has no rule of that name any more.
	EndedRuleRemoved Ended = "rule_removed"
)

// Message is what is sent to the receivers. Its JSON is the body of a webhook.
type Message struct {
	// Version is FormatVersion.
	Version int `json:"version"`
	// ID is the same each time that a message is sent again, and another for every other message.
	ID string `json:"id"`
	// Status says what the message is about.
	Status Status `json:"status"`
	// Rule is the name of the rule; empty for a test.
	Rule string `json:"rule"`
	// At is when the message was made.
	At time.Time `json:"at"`
	// Title and Text are for people: a line, and lines of at most MaximumText bytes in all.
	Title string `json:"title"`
	Text  string `json:"text"`
	// Link to the dashboard, to the servicer's page if the message is about one; empty without a public_url.
	Link string `json:"link"`
	// Count is how many servicers the message is about.
	Count int `json:"count"`
	// Alerts are the first of them, at most MaximumAlerts, and LeftOut is how many more there are.
	Alerts  []Alert `json:"alerts"`
	LeftOut int     `json:"left_out"`
}

// Alert is a servicer that a rule fires for, or fired for.
type Alert struct {
	Key
	// Verdict that the servicer has, and its reason; both empty for the fisherman itself while it is ready.
	Verdict api.Verdict `json:"verdict"`
	Reason  string      `json:"reason"`
	// Since is when the servicer began to have a verdict of the rule.
	Since time.Time `json:"since"`
	// Ended is why the alert is over; empty while it is not.
	Ended Ended `json:"ended,omitempty"`
}

// VerdictNotReady stands for the verdict in alerts about the fisherman itself.
const VerdictNotReady api.Verdict = "not_ready"

// newMessage makes the message of a rule about at least one alert.
func newMessage(now time.Time, rule, link string, status Status, alerts []Alert) Message {
	slices.SortFunc(alerts, func(a, b Alert) int { return a.Key.compare(b.Key) })
	m := Message{Version: FormatVersion, Status: status, Rule: rule, At: now.UTC().Truncate(time.Millisecond), Link: linkTo(link, alerts),
		Count: len(alerts), LeftOut: max(0, len(alerts)-MaximumAlerts)}
	m.ID = identify(now, rule, status, alerts)
	m.Title = text.Line(fmt.Sprintf("[%s] %s: %s", strings.ToUpper(string(status)), rule, summary(alerts)), maximumTitle)
	m.Text = listed(now, alerts)
	m.Alerts = slices.Clone(alerts[:min(len(alerts), MaximumAlerts)])
	return m
}

// linkTo returns the link of a message: to the page of its servicer if there is one, otherwise to the dashboard.
func linkTo(dashboard string, alerts []Alert) string {
	if dashboard == "" || len(alerts) != 1 || alerts[0].Servicer == "" {
		return dashboard
	}
	return dashboard + "#/servicer/" + url.PathEscape(alerts[0].Servicer)
}

// TestMessage returns a message that tests a receiver.
func TestMessage(now time.Time, link string) Message {
	return Message{Version: FormatVersion, Status: StatusTest, At: now.UTC().Truncate(time.Millisecond), Link: link, Alerts: []Alert{},
		ID:    identify(now, "", StatusTest, nil),
		Title: "[TEST] the fisherman's alerts reach this receiver", Text: "This is a test. Nothing is wrong."}
}

// identify returns the id of a message.
func identify(now time.Time, rule string, status Status, alerts []Alert) string {
	hash := sha256.New()
	fmt.Fprintf(hash, "%d %q %q", now.UnixNano(), rule, status)
	for _, each := range alerts {
		fmt.Fprintf(hash, " %q %q %q", each.RelayChain, each.GeoZone, each.Servicer)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// summary says in a few words whom a message is about.
func summary(alerts []Alert) string {
	if len(alerts) == 1 {
		return alerts[0].subject() + " " + alerts[0].state()
	}
	counts := make(map[string]int)
	for i := range alerts {
		counts[alerts[i].state()]++
	}
	states := make([]string, 0, len(counts))
	for state, count := range counts {
		states = append(states, fmt.Sprintf("%d %s", count, strings.TrimPrefix(state, "is ")))
	}
	slices.Sort(states)
	return strings.Join(states, ", ")
}

// listed returns a line for each of the alerts that there is space for.
func listed(now time.Time, alerts []Alert) string {
	var lines strings.Builder
	for i := range alerts {
		each := &alerts[i]
		line := fmt.Sprintf("%s %s, since %s", each.subject(), each.state(), each.Since.UTC().Format("2006-01-02 15:04:05 UTC"))
		if each.Ended != "" {
			line = fmt.Sprintf("%s %s; before, the rule applied for %v", each.subject(), each.state(), now.Sub(each.Since).Round(time.Second))
		}
		if each.Reason != "" {
			line += ": " + each.Reason
		}
		line = text.Line(line, maximumLine) + "\n"
		if lines.Len()+len(line) > MaximumText-40 {
			fmt.Fprintf(&lines, "and %d more", len(alerts)-i)
			break
		}
		lines.WriteString(line)
	}
	return strings.TrimSuffix(lines.String(), "\n")
}

// subject names whom an alert is about.
func (a *Alert) subject() string {
	if a.Key == (Key{}) {
		return "the fisherman"
	}
	of := a.RelayChain
	if a.GeoZone != "" {
		of += "/" + a.GeoZone
	}
	if of == "" {
		return a.Servicer
	}
	return a.Servicer + " of " + of
}

// state says how that one is.
func (a *Alert) state() string {
	switch {
	case a.Ended == EndedNotSampled:
		return "is not sampled any more"
	case a.Ended == EndedRuleRemoved:
		return "is not watched any more"
	case a.Verdict == VerdictNotReady:
		return "is not ready"
	case a.Verdict == "":
		return "is ready"
	default:
		return "is " + strings.ReplaceAll(string(a.Verdict), "_", " ")
	}
}

func (k Key) compare(other Key) int {
	for _, pair := range [][2]string{{k.RelayChain, other.RelayChain}, {k.GeoZone, other.GeoZone}} {
		if order := strings.Compare(pair[0], pair[1]); order != 0 {
			return order
		}
	}
	return strings.Compare(k.Servicer, other.Servicer)
}
