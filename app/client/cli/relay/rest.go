package relay

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/cli/request"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// restOptions are the REST request that 'pocket relay' was told; its path is empty for a JSON-RPC request.
type restOptions struct {
	method, path, body string
	headers            []string
}

func (r *restOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&r.path, "path", "", "REST: the `PATH` below the node's base URL, with an optional query")
	flags.StringVar(&r.method, "method", "GET", "REST: the `METHOD`: GET, HEAD, POST, PUT, PATCH or DELETE")
	flags.StringArrayVar(&r.headers, "header", nil, "REST: a `'NAME: VALUE'`, may be given more than once; servicers pass few names on")
	flags.StringVar(&r.body, "body", "", "REST: the `BODY`: itself, @FILE, or - for standard input")
}

// checkFlags asks for either --payload or --path, and refuses REST flags beside a --payload.
func (r *restOptions) checkFlags(cmd *cobra.Command) error {
	payload, path := cmd.Flags().Changed("payload"), cmd.Flags().Changed("path")
	switch {
	case payload && path:
		return command.Fail(command.ExitUsage, "--payload (JSON-RPC) and --path (REST) exclude each other")
	case path && r.path == "":
		return command.Fail(command.ExitUsage, "--path is empty; the base itself is /")
	case path:
		return nil
	}
	for _, name := range []string{"method", "header", "body"} {
		if cmd.Flags().Changed(name) {
			return command.Fail(command.ExitUsage, "--%s is for REST requests, which have a --path", name)
		}
	}
	return command.RequireFlags(cmd, "payload")
}

// request is the REST request.
func (r *restOptions) request(io command.Streams) (types.Payload, error) {
	rest := &types.RESTPayload{Method: r.method, Path: r.path}
	for _, line := range r.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return types.Payload{}, command.Fail(command.ExitUsage, "--header %q is not NAME: VALUE", terminal.Short(line))
		}
		rest.Headers = append(rest.Headers, &types.HTTPHeader{Name: name, Value: strings.TrimSpace(value)})
	}
	var err error
	if rest.Body, err = request.ReadBody(io, r.body); err != nil {
		return types.Payload{}, command.Fail(command.ExitUsage, "--body: %w", err)
	}
	payload := types.Payload{REST: rest}
	if _, err := relay.ValidatePayload(payload); err != nil {
		return types.Payload{}, command.Fail(command.ExitUsage, "REST request: %w", err)
	}
	return payload, nil
}
