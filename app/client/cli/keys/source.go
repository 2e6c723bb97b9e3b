package keys

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/keystore"
	"github.com/pocket-fisherman/fisherman/shared/account"
)

// source is where a clear secp256k1 key comes from: a file, an environment variable, or a prompt.
type source struct {
	secp256k1         bool
	file, environment string
}

func (s *source) add(flags *pflag.FlagSet) {
	flags.BoolVar(&s.secp256k1, "secp256k1", false, "take in a clear key of the live Pocket network, and no FILE argument")
	flags.StringVar(&s.file, "file", "", "with --secp256k1: `FILE` with the key, - for standard input")
	flags.StringVar(&s.environment, "env", "", "with --secp256k1: `NAME` of the environment variable with the key")
}

var environmentName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// check refuses arguments that do not fit. It repeats none that may be a key.
func (s *source) check(cmd *cobra.Command, args []string) error {
	usage := func(text string) error { return command.Fail(command.ExitUsage, "%s", text) }
	switch {
	case slices.ContainsFunc(append(slices.Clone(args), s.file, s.environment), command.LooksLikeKey):
		return command.RefuseKey()
	case !s.secp256k1 && (s.file != "" || s.environment != ""):
		return usage("--file and --env are for --secp256k1; other keys are imported from a FILE argument")
	case !s.secp256k1:
		return command.OneArgument("FILE")(cmd, args)
	case len(args) > 0:
		return usage("--secp256k1 takes no argument; give --file FILE or --env NAME, or type the key at the prompt")
	case s.file != "" && s.environment != "":
		return usage("--file and --env exclude each other")
	case cmd.Flags().Changed("file") && s.file == "":
		return usage("--file is empty")
	case cmd.Flags().Changed("env") && !environmentName.MatchString(s.environment):
		return usage("--env is not the name of an environment variable; allowed: letters, digits and _")
	}
	return nil
}

// read returns the text of the key, and what it came from.
func (s *source) read(ctx context.Context, io command.Streams) (text, from string, err error) {
	switch {
	case s.file != "":
		content, err := readKey(io, s.file)
		if err != nil {
			return "", "", command.Fail(command.ExitUsage, "--file: %w", err)
		}
		return string(content), s.file, nil
	case s.environment != "":
		value := os.Getenv(s.environment)
		if value == "" {
			return "", "", command.Fail(command.ExitUsage, "environment variable %s is not set, or empty", s.environment)
		}
		return value, "environment variable " + s.environment, nil
	}
	asked, err := terminal.OpenPrompt(io.In, io.Err)
	if err != nil {
		return "", "", command.Fail(command.ExitUsage, "no private key: %w; give --file FILE or --env NAME", err)
	}
	defer asked.Close()
	line, err := asked.Hidden(ctx, "Private key, 64 hex digits: ")
	return line, "what was typed", err
}

// importAccount stores a clear secp256k1 key. Errors repeat nothing of it.
func importAccount(ctx context.Context, io command.Streams, o options, from source) error {
	store, err := command.OpenKeys(io, o.directory)
	if err != nil {
		return err
	}
	text, origin, err := from.read(ctx, io)
	if err != nil {
		return err
	}
	key, err := account.ParsePrivateKey(text)
	if errors.Is(err, account.ErrKey) {
		return command.Fail(command.ExitKeys, "%s is %w; allowed: 64 hex digits of a number from 1 to the order of the curve less 1, as 'pocketd keys export NAME --unarmored-hex --unsafe' prints them",
			origin, err)
	} else if err != nil {
		return fmt.Errorf("read private key: %w", err)
	}
	return put(ctx, io, o, store, key.Address(), func(passphrase string) (keystore.Entry, error) {
		return store.PutAccount(key, o.label, passphrase)
	})
}
