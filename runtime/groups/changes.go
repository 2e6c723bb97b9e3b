package groups

import "reflect"

// Changes are the differences between two configurations.
type Changes struct {
	// Added, Removed and Changed are names of groups, in the order of the new configuration or, if Removed, of the old one.
	Added, Removed, Changed []string
	// Restart are keys that differ and have no effect before the program is started again: listen, public, data,
	// log_level, log_format, history, feed.
	Restart []string
	// Alerts is whether the alerts differ.
	Alerts bool
}

// Compare returns what a new configuration changes.
func Compare(old, updated Config) Changes {
	found := Changes{Alerts: !reflect.DeepEqual(old.Alerts, updated.Alerts)}
	was, is := byName(old.Groups), byName(updated.Groups)
	for _, group := range updated.Groups {
		before, known := was[group.Name]
		switch {
		case !known:
			found.Added = append(found.Added, group.Name)
		case !reflect.DeepEqual(before, group):
			found.Changed = append(found.Changed, group.Name)
		}
	}
	for _, group := range old.Groups {
		if _, still := is[group.Name]; !still {
			found.Removed = append(found.Removed, group.Name)
		}
	}
	for _, fixed := range []struct {
		key    string
		differ bool
	}{
		{"listen", old.Listen != updated.Listen},
		{"public", old.Public != updated.Public},
		{"data", old.Data != updated.Data},
		{"log_level", old.LogLevel != updated.LogLevel},
		{"log_format", old.LogFormat != updated.LogFormat},
		{"history", old.History != updated.History},
		{"feed", !reflect.DeepEqual(old.Feed, updated.Feed)},
	} {
		if fixed.differ {
			found.Restart = append(found.Restart, fixed.key)
		}
	}
	return found
}

// None reports whether nothing differs.
func (c Changes) None() bool {
	return len(c.Added)+len(c.Removed)+len(c.Changed)+len(c.Restart) == 0 && !c.Alerts
}

func byName(all []Group) map[string]Group {
	named := make(map[string]Group, len(all))
	for _, group := range all {
		named[group.Name] = group
	}
	return named
}
