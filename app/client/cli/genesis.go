package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/pocket-fisherman/fisherman/runtime/genesis"
)

// maximumGenesis bounds the bytes of a genesis file that are read.
const maximumGenesis = 64 << 20

func newGenesis(io streams) *cobra.Command {
	return group(&cobra.Command{
		Use:   "genesis",
		Short: "Work on genesis files",
	}, newGenesisValidate(io))
}

func newGenesisValidate(io streams) *cobra.Command {
	return &cobra.Command{
		Use:     "validate FILE",
		Short:   "Check a genesis file: parameters within range, actors well-formed and sufficiently staked",
		Example: "  pocket genesis validate genesis.json",
		Args:    oneArgument("FILE"),
		RunE:    func(_ *cobra.Command, args []string) error { return validateGenesis(io, args[0]) },
	}
}

func validateGenesis(io streams, path string) error {
	content, err := readFile(path, maximumGenesis)
	if err != nil {
		return fail(ExitUsage, "%w", err)
	}
	parsed, err := genesis.Parse(content)
	if err != nil {
		return fail(ExitGenesis, "%s: %w", path, err)
	}
	_, err = fmt.Fprintf(io.out, "%s is valid: chain %s, %d actors\n", clean(path), clean(parsed.GetChainId()), len(parsed.GetActors()))
	return err
}

// readFile reads a file of at most limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return readAll(file, path, limit)
}

// readAll reads at most limit bytes; more are an error.
func readAll(reader io.Reader, name string, limit int64) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(reader, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes", name, limit)
	}
	return content, nil
}
