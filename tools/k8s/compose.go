package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// checkCompose loads compose files as docker compose does: against the schema of the compose specification, each over those
// before it, and then for consistency, so that a dependency on a missing service, volume or network is an error.
func checkCompose(ctx context.Context, paths ...string) error {
	_, err := loadCompose(ctx, paths...)
	return err
}

func loadCompose(ctx context.Context, paths ...string) (*types.Project, error) {
	name := strings.Join(paths, " and ")
	options, err := cli.NewProjectOptions(paths, cli.WithName("check"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return project, nil
}
