package command

import (
	"cmp"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/shared/account"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// nearMiss is how many letters a name may be off to be suggested.
const nearMiss = 2

// checkCommands follows the arguments down the command tree and reports the first name that is none. Doing so before
// the arguments are parsed keeps a mistyped command from being reported as an unknown flag of its parent.
func checkCommands(root *cobra.Command, args []string) error {
	command := root
	if len(args) > 0 && args[0] == "help" {
		args = args[1:]
	}
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") || !command.HasSubCommands() || strings.HasPrefix(arg, "__complete") {
			return nil
		}
		next := child(command, arg)
		if next == nil && command.Args != nil && command.Args(command, []string{arg}) != nil {
			return nil // a command that does something by itself refuses what it does not take
		}
		if next == nil && strings.Contains(arg, "://") { // which may hold a key
			return Fail(ExitUsage, "%q takes no URL here; did you mean 'pocket compare URL'?", command.CommandPath())
		}
		if next == nil {
			return Fail(ExitUsage, "unknown command %q for %q%s", arg, command.CommandPath(), suggestCommand(command, arg))
		}
		command = next
	}
	return nil
}

func child(command *cobra.Command, name string) *cobra.Command {
	for _, candidate := range command.Commands() {
		if candidate.Name() == name || candidate.HasAlias(name) {
			return candidate
		}
	}
	return nil
}

func suggestCommand(command *cobra.Command, name string) string {
	var names []string
	for _, candidate := range command.Commands() {
		if candidate.IsAvailableCommand() {
			names = append(names, candidate.Name())
		}
	}
	if near := nearest(name, names); near != "" {
		return "; did you mean \"" + near + "\"?"
	}
	return "; there are " + strings.Join(names, ", ")
}

// flagProblem turns an error of the flag parser into one line that says what would be right.
func flagProblem(command *cobra.Command, err error) error {
	path := command.CommandPath()
	if unknown, is := errors.AsType[*pflag.NotExistError](err); is {
		name := unknown.GetSpecifiedName()
		if short := unknown.GetSpecifiedShortnames(); short != "" {
			return Fail(ExitUsage, "unknown flag -%s for %q; see '%s --help'", name, path, path)
		}
		if near := nearest(name, flagNames(command)); near != "" {
			return Fail(ExitUsage, "unknown flag --%s for %q; did you mean --%s?", name, path, near)
		}
		return Fail(ExitUsage, "unknown flag --%s for %q; see '%s --help'", name, path, path)
	}
	if missing, is := errors.AsType[*pflag.ValueRequiredError](err); is {
		return Fail(ExitUsage, "--%s needs a value: %s", missing.GetFlag().Name, missing.GetFlag().Usage)
	}
	if bad, is := errors.AsType[*pflag.InvalidValueError](err); is {
		if bad.GetFlag().Value.Type() == "bool" && LooksLikeKey(bad.GetValue()) {
			return RefuseKey()
		}
		if strings.HasPrefix(bad.Unwrap().Error(), strconv.Quote(bad.GetValue())) {
			return Fail(ExitUsage, "--%s: %w", bad.GetFlag().Name, bad.Unwrap())
		}
		return Fail(ExitUsage, "--%s %q: %w", bad.GetFlag().Name, terminal.Short(bad.GetValue()), bad.Unwrap())
	}
	return Fail(ExitUsage, "%w; see '%s --help'", err, path)
}

// keyForm is the form of a private key as people write it, also of one that is not complete.
var keyForm = regexp.MustCompile(`^\s*(0[xX])?[0-9A-Fa-f]{48,}\s*$`)

// LooksLikeKey reports whether an argument may be a private key. It must not be repeated then.
func LooksLikeKey(argument string) bool { return keyForm.MatchString(argument) }

// RefuseKey returns the error for a private key that is an argument.
func RefuseKey() error {
	return Fail(ExitUsage, "a key must not be an argument, where others can see it; put it into a file or on standard input")
}

func flagNames(command *cobra.Command) []string {
	var names []string
	command.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return names
}

// NoArguments refuses positional arguments.
func NoArguments(command *cobra.Command, args []string) error {
	if len(args) > 0 {
		return Fail(ExitUsage, "%q takes no arguments, but was given %q; see '%s --help'",
			command.CommandPath(), terminal.Short(args[0]), command.CommandPath())
	}
	return nil
}

// Needs refuses positional arguments, and to go on without the named flags.
func Needs(flags ...string) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		return cmp.Or(NoArguments(command, args), RequireFlags(command, flags...))
	}
}

// OneArgument refuses any number of positional arguments but one.
func OneArgument(name string) cobra.PositionalArgs {
	return func(command *cobra.Command, args []string) error {
		if len(args) != 1 {
			return Fail(ExitUsage, "%q takes one %s, but was given %d arguments", command.CommandPath(), name, len(args))
		}
		return nil
	}
}

// ActorAddress returns an error unless a text is the address of an actor of our own chain.
func ActorAddress(address string) error {
	if account.CheckAddress(address) == nil {
		return errors.New("it is of an account of the live Pocket network, whose secp256k1 key signs nothing on this chain; allowed: 40 lower-case hex digits, of an ed25519 key")
	}
	return types.ValidateAddress(address)
}

// RequireFlags refuses to go on without the named flags.
func RequireFlags(command *cobra.Command, names ...string) error {
	var missing []string
	for _, name := range names {
		if !command.Flags().Changed(name) {
			missing = append(missing, "--"+name)
		}
	}
	if len(missing) > 0 {
		return Fail(ExitUsage, "%q needs %s; see '%s --help'",
			command.CommandPath(), strings.Join(missing, " and "), command.CommandPath())
	}
	return nil
}

// Group makes a command that only holds others: without one of them it says which there are.
func Group(command *cobra.Command, children ...*cobra.Command) *cobra.Command {
	command.AddCommand(children...)
	var names []string
	for _, held := range children {
		names = append(names, held.Name())
	}
	command.Args = cobra.ArbitraryArgs
	command.RunE = func(command *cobra.Command, _ []string) error {
		return Fail(ExitUsage, "%q needs a command: %s; see '%s --help'",
			command.CommandPath(), strings.Join(names, ", "), command.CommandPath())
	}
	return command
}

// nearest is the candidate that is at most nearMiss letters off, or that name is the beginning of; empty for none.
func nearest(name string, candidates []string) string {
	best, bestDistance := "", nearMiss+1
	for _, candidate := range candidates {
		distance := editDistance(strings.ToLower(name), candidate)
		if len(name) >= 3 && strings.HasPrefix(candidate, strings.ToLower(name)) {
			distance = min(distance, nearMiss)
		}
		if distance < bestDistance && distance < len(candidate) {
			best, bestDistance = candidate, distance
		}
	}
	return best
}

// editDistance is the Levenshtein distance in bytes.
func editDistance(a, b string) int {
	previous := make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := range len(a) {
		current := make([]int, len(b)+1)
		current[0] = i + 1
		for j := range len(b) {
			substitute := previous[j]
			if a[i] != b[j] {
				substitute++
			}
			current[j+1] = min(substitute, previous[j+1]+1, current[j]+1)
		}
		previous = current
	}
	return previous[len(b)]
}
