package machine

import (
	"slices"
	"strings"
	"time"

	"github.com/pocket-fisherman/fisherman/rpc/api"
	"github.com/pocket-fisherman/fisherman/shared/text"
)

const (
	// maximumStep bounds what the clocks go on between two snapshots: for longer, nobody looked.
	maximumStep = time.Minute
	// AbsentAfter is for how long a servicer has to be in no snapshot before it counts as not sampled any more.
	AbsentAfter = time.Hour
	// MaximumStates is how many servicers of rules are remembered. Rules do not fire for more.
	MaximumStates = 20_000
)

// Machine decides which messages are sent. One goroutine uses it.
type Machine struct {
	rules []Rule
	// link to the dashboard.
	link string
	// groupWait is for how long what happens is gathered for one message.
	groupWait time.Duration

	states map[place]*state
	// opened is when the first of what a rule has to tell happened.
	opened map[string]time.Time
	// last is when the snapshot before was taken; zero before the first.
	last time.Time
	left int
	// changed: since the snapshot before, a rule began to fire or its end was found.
	changed bool
}

// place is a servicer in the eyes of a rule.
type place struct {
	rule string
	key  Key
}

// phase is how far an alert is.
type phase int

const (
	// pending: the rule does not fire yet.
	pending phase = iota
	// firing: the rule fires.
	firing
	// ended: what the rule fired for is over, which is not told yet.
	ended
)

// state is what is known of a place.
type state struct {
	phase phase
	// told: the receivers were told that the rule fires, and not that it is over.
	told bool
	// class at the snapshot before.
	class class
	// held is for how long the verdict matched, well for how long it was over, absent for how long there was none.
	held, well, absent time.Duration
	// toldAt is when the receivers were told last.
	toldAt time.Time
	// alert is as the verdict matched last, over as it was when that was over.
	alert, over Alert
	// seen marks those of the current snapshot.
	seen bool
}

// New makes a machine that remembers nothing. The link may be empty. What happens within groupWait is told by one message.
func New(rules []Rule, link string, groupWait time.Duration) *Machine {
	m := &Machine{states: make(map[place]*state), opened: make(map[string]time.Time)}
	m.Replace(rules, link, groupWait)
	return m
}

// Replace gives the machine other rules. It remembers what those of the same name fired for.
func (m *Machine) Replace(rules []Rule, link string, groupWait time.Duration) {
	m.rules, m.link, m.groupWait = slices.Clone(rules), link, groupWait
}

// Observe takes a snapshot, and returns the messages that are due, by rule. The times of snapshots should rise; one that
// does not counts as the same time.
func (m *Machine) Observe(now time.Time, snapshot Snapshot) []Message {
	step := time.Duration(0)
	if !m.last.IsZero() {
		step = min(max(now.Sub(m.last), 0), maximumStep)
	}
	m.last, m.left, m.changed = now, 0, false
	for i := range m.rules {
		m.apply(now, step, &m.rules[i], &snapshot)
	}
	m.miss(step)
	var due []Message
	for _, name := range m.told() {
		due = append(due, m.tell(now, name)...)
	}
	return due
}

// Changed reports whether the newest snapshot changed what has to be told, so that it has to be stored.
func (m *Machine) Changed() bool { return m.changed }

// LeftOut is how many servicers of rules the newest snapshot had beyond MaximumStates.
func (m *Machine) LeftOut() int { return m.left }

// Firing returns for how many servicers each rule fires.
func (m *Machine) Firing() map[string]int {
	counts := make(map[string]int, len(m.rules))
	for i := range m.rules {
		counts[m.rules[i].Name] = 0
	}
	for at, each := range m.states {
		if _, is := counts[at.rule]; is && each.phase == firing {
			counts[at.rule]++
		}
	}
	return counts
}

// apply shows a rule a snapshot.
func (m *Machine) apply(now time.Time, step time.Duration, rule *Rule, snapshot *Snapshot) {
	if rule.Fisherman {
		verdict := api.Verdict("")
		if snapshot.NotReady != "" {
			verdict = VerdictNotReady
		}
		m.see(now, step, rule, classifyFisherman(snapshot), &Subject{Verdict: verdict, Reason: snapshot.NotReady})
		return
	}
	for i := range snapshot.Subjects {
		if subject := &snapshot.Subjects[i]; rule.covers(subject.Key) {
			m.see(now, step, rule, rule.classify(subject), subject)
		}
	}
}

// see takes what a verdict means to a rule.
func (m *Machine) see(now time.Time, step time.Duration, rule *Rule, is class, subject *Subject) {
	at := place{rule.Name, subject.Key}
	s := m.states[at]
	switch {
	case s == nil && is != matching:
		return
	case s == nil && len(m.states) >= MaximumStates:
		m.left++
		return
	case s == nil:
		s = new(state)
		m.states[at] = s
	}
	if s.seen {
		return // the snapshot has it twice
	}
	s.seen, s.absent = true, 0
	switch s.class {
	case matching:
		s.held += step
	case over:
		s.well += step
	}
	s.class = is
	switch is {
	case matching:
		m.match(now, rule, s, subject)
	case over:
		s.held = 0
		if s.phase == pending {
			delete(m.states, at)
		} else if s.phase == firing && s.well >= rule.ResolveAfter {
			m.end(s, EndedVerdict, subject)
		}
	}
}

// match is for a verdict that the rule fires for.
func (m *Machine) match(now time.Time, rule *Rule, s *state, subject *Subject) {
	s.well = 0
	if s.phase != firing && s.held == 0 {
		s.alert = Alert{Key: subject.Key, Since: now.UTC().Truncate(time.Millisecond)}
	}
	if s.phase != firing && s.held >= rule.For {
		s.phase, m.changed = firing, true
	}
	s.alert.Verdict, s.alert.Reason = subject.Verdict, text.Line(subject.Reason, maximumReason)
}

// end notes that what a rule fired for is over. A subject of nil leaves the verdict as it was last.
func (m *Machine) end(s *state, why Ended, subject *Subject) {
	m.changed = true
	s.phase, s.held, s.well, s.over = ended, 0, 0, s.alert
	s.over.Ended = why
	if subject != nil {
		s.over.Verdict, s.over.Reason = subject.Verdict, text.Line(subject.Reason, maximumReason)
	}
}

// miss takes the servicers that the snapshot did not have.
func (m *Machine) miss(step time.Duration) {
	for at, s := range m.states {
		if s.seen {
			s.seen = false
			continue
		}
		s.class = neither
		s.absent += step
		known := m.rule(at.rule) != nil
		switch {
		case s.phase == pending && (s.absent >= AbsentAfter || !known):
			delete(m.states, at)
		case s.phase == firing && !known:
			m.end(s, EndedRuleRemoved, nil)
		case s.phase == firing && s.absent >= AbsentAfter:
			m.end(s, EndedNotSampled, nil)
		}
	}
}

// rule returns the rule of a name; nil if there is none.
func (m *Machine) rule(name string) *Rule {
	for i := range m.rules {
		if m.rules[i].Name == name {
			return &m.rules[i]
		}
	}
	return nil
}

// told returns the names of the rules that have states: those of the configuration in its order, then the others.
func (m *Machine) told() []string {
	var names, others []string
	for i := range m.rules {
		names = append(names, m.rules[i].Name)
	}
	for at := range m.states {
		if m.rule(at.rule) == nil && !slices.Contains(others, at.rule) {
			others = append(others, at.rule)
		}
	}
	slices.SortFunc(others, strings.Compare)
	return append(names, others...)
}

// tell returns the messages of a rule that are due.
func (m *Machine) tell(now time.Time, name string) []Message {
	repeat := time.Duration(0)
	if rule := m.rule(name); rule != nil {
		repeat = rule.Repeat
	}
	news, reminders := false, false
	for at, s := range m.states {
		if at.rule == name {
			news = news || s.phase == firing && !s.told || s.phase == ended
			reminders = reminders || s.phase == firing && s.told && repeat > 0 && now.Sub(s.toldAt) >= repeat
		}
	}
	var due []Message
	if reminders {
		due = m.collect(now, name, due, StatusRepeated, func(s *state) bool { return s.phase == firing && s.told && now.Sub(s.toldAt) >= repeat })
	}
	if !news {
		delete(m.opened, name)
		return due
	}
	if opened, is := m.opened[name]; !is || now.Before(opened) {
		m.opened[name] = now
	}
	if now.Sub(m.opened[name]) < m.groupWait {
		return due
	}
	delete(m.opened, name)
	due = m.collect(now, name, due, StatusFiring, func(s *state) bool { return s.phase != pending && !s.told })
	return m.collect(now, name, due, StatusResolved, func(s *state) bool { return s.phase == ended })
}

// collect adds a message about the alerts of a rule that are wanted, if there are any, and notes that it was told.
func (m *Machine) collect(now time.Time, name string, due []Message, status Status, wanted func(*state) bool) []Message {
	var alerts []Alert
	for at, s := range m.states {
		if at.rule != name || !wanted(s) {
			continue
		}
		s.told, s.toldAt = true, now
		if status != StatusResolved {
			alerts = append(alerts, s.alert)
			continue
		}
		alerts = append(alerts, s.over)
		if s.phase, s.told = pending, false; s.class != matching {
			delete(m.states, at)
		}
	}
	if len(alerts) == 0 {
		return due
	}
	return append(due, newMessage(now, name, m.link, status, alerts))
}
