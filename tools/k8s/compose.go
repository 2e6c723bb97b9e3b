package main

import (
	"context"
	"fmt"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// checkCompose loads a compose file as docker compose does: against the schema of the compose specification, and then
// for consistency, so that a dependency on a missing service, volume or network is an error.
func checkCompose(ctx context.Context, path string) error {
	_, err := loadCompose(ctx, path)
	return err
}

func loadCompose(ctx context.Context, path string) (*types.Project, error) {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithName("check"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return project, nil
}
