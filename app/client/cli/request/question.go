package request

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/app/client/cli/command"
	"github.com/pocket-fisherman/fisherman/app/client/terminal"
	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// Question is what a command was told to ask: JSON-RPC, or REST when there is a path.
type Question struct {
	payload, method, path, body string
	headers                     []string
}

// AddFlags adds the flags --payload, and --path with what goes with it.
func (q *Question) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&q.payload, "payload", "", "the JSON-RPC request: `JSON`, @FILE, or - for standard input")
	flags.StringVar(&q.path, "path", "", "REST: the `PATH` below the node's base URL, with an optional query")
	flags.StringVar(&q.method, "method", "GET", "REST: the `METHOD`: GET, HEAD, POST, PUT, PATCH or DELETE")
	flags.StringArrayVar(&q.headers, "header", nil, "REST: a `'NAME: VALUE'`, may be given more than once; servicers pass few names on")
	flags.StringVar(&q.body, "body", "", "REST: the `BODY`: itself, @FILE, or - for standard input")
}

// CheckFlags asks for either --payload or --path, and refuses REST flags beside a --payload.
func (q *Question) CheckFlags(cmd *cobra.Command) error {
	payload, path := cmd.Flags().Changed("payload"), cmd.Flags().Changed("path")
	switch {
	case payload && path:
		return command.Fail(command.ExitUsage, "--payload (JSON-RPC) and --path (REST) exclude each other")
	case path && q.path == "":
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

// Payload reads the request, and checks its form.
func (q *Question) Payload(io command.Streams) (types.Payload, error) {
	if q.path != "" {
		return q.rest(io)
	}
	payload, err := ReadJSONRPC(io, q.payload)
	if err != nil {
		return types.Payload{}, command.Fail(command.ExitUsage, "--payload: %w", err)
	}
	return types.Payload{JSONRPC: payload}, nil
}

func (q *Question) rest(io command.Streams) (types.Payload, error) {
	rest := &types.RESTPayload{Method: q.method, Path: q.path}
	for _, line := range q.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return types.Payload{}, command.Fail(command.ExitUsage, "--header %q is not NAME: VALUE", terminal.Short(line))
		}
		rest.Headers = append(rest.Headers, &types.HTTPHeader{Name: name, Value: strings.TrimSpace(value)})
	}
	var err error
	if rest.Body, err = ReadBody(io, q.body); err != nil {
		return types.Payload{}, command.Fail(command.ExitUsage, "--body: %w", err)
	}
	payload := types.Payload{REST: rest}
	if _, err := relay.ValidatePayload(payload); err != nil {
		return types.Payload{}, command.Fail(command.ExitUsage, "REST request: %w", err)
	}
	return payload, nil
}
