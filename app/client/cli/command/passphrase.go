package command

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/keystore"
)

const (
	// PassphraseVariable names the environment variable that holds a passphrase.
	PassphraseVariable = "POCKET_PASSPHRASE"
	// maximumPassphrase bounds a passphrase file, in bytes.
	maximumPassphrase = 1 << 10
)

// AddPassphrase adds the flag --passphrase-file.
func AddPassphrase(flags *pflag.FlagSet, target *string) {
	flags.StringVar(target, "passphrase-file", "", "`FILE` with the passphrase in its only line (default $"+PassphraseVariable+" or a prompt)")
}

// Passphrase returns a key's passphrase: from the file that the flag names, else from the environment, else from a person.
func Passphrase(ctx context.Context, io Streams, path, whose string) (string, error) {
	if given, known, err := givenPassphrase(path); known {
		return given, err
	}
	asked, err := terminal.OpenPrompt(io.In, io.Err)
	if err != nil {
		return "", noPassphrase(err)
	}
	defer asked.Close()
	return asked.Hidden(ctx, "Passphrase of "+whose+": ")
}

// NewPassphrase is like Passphrase, but a person has to type it twice.
func NewPassphrase(ctx context.Context, io Streams, path, whose string) (string, error) {
	if given, known, err := givenPassphrase(path); known {
		return given, err
	}
	asked, err := terminal.OpenPrompt(io.In, io.Err)
	if err != nil {
		return "", noPassphrase(err)
	}
	defer asked.Close()
	first, err := asked.Hidden(ctx, "New passphrase of "+whose+": ")
	if err != nil {
		return "", err
	}
	if first == "" {
		return "", Fail(ExitUsage, "the passphrase is empty; nothing was stored")
	}
	second, err := asked.Hidden(ctx, "The same again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", Fail(ExitUsage, "the two passphrases differ; nothing was stored")
	}
	return first, nil
}

func noPassphrase(because error) error {
	return Fail(ExitUsage, "no passphrase: %w; give --passphrase-file FILE or %s", because, PassphraseVariable)
}

// givenPassphrase is the passphrase that needs no prompt; known is false if there is none.
func givenPassphrase(path string) (given string, known bool, err error) {
	if path == "" {
		given = os.Getenv(PassphraseVariable)
		return given, given != "", nil
	}
	given, err = readPassphrase(path)
	if err != nil {
		return "", true, fmt.Errorf("--passphrase-file: %w", err)
	}
	return given, true, nil
}

// readPassphrase reads a file of one line. One that every user of the machine can read keeps no secret.
func readPassphrase(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", Fail(ExitUsage, "%w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().IsRegular() && info.Mode().Perm()&0o007 != 0 {
		return "", fmt.Errorf("%w: everybody can read %s (mode %04o); 'chmod 600' it", keystore.ErrExposed, path, info.Mode().Perm())
	}
	content, err := ReadFile(path, maximumPassphrase)
	if err != nil {
		return "", Fail(ExitUsage, "%w", err)
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	switch {
	case line == "":
		return "", Fail(ExitUsage, "%s is empty", path)
	case strings.Contains(line, "\n"):
		return "", Fail(ExitUsage, "%s has more than one line", path)
	}
	return line, nil
}
