package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pocket-fisherman/fisherman/relay"
	"github.com/pocket-fisherman/fisherman/shared/core/types"
)

// restOrder is the REST request that 'pocket relay' was told; its path is empty for a JSON-RPC request.
type restOrder struct {
	method, path, body string
	headers            []string
}

func (r *restOrder) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&r.path, "path", "", "REST: the `PATH` below the node's base URL, with an optional query")
	flags.StringVar(&r.method, "method", "GET", "REST: the `METHOD`: GET, HEAD, POST, PUT, PATCH or DELETE")
	flags.StringArrayVar(&r.headers, "header", nil, "REST: a `'NAME: VALUE'`, may be given more than once; servicers pass few names on")
	flags.StringVar(&r.body, "body", "", "REST: the `BODY`: itself, @FILE, or - for standard input")
}

// checkFlags asks for either --payload or --path, and refuses REST flags beside a --payload.
func (r *restOrder) checkFlags(command *cobra.Command) error {
	payload, path := command.Flags().Changed("payload"), command.Flags().Changed("path")
	switch {
	case payload && path:
		return fail(ExitUsage, "--payload (JSON-RPC) and --path (REST) exclude each other")
	case path && r.path == "":
		return fail(ExitUsage, "--path is empty; the base itself is /")
	case path:
		return nil
	}
	for _, name := range []string{"method", "header", "body"} {
		if command.Flags().Changed(name) {
			return fail(ExitUsage, "--%s is for REST requests, which have a --path", name)
		}
	}
	return requireFlags(command, "payload")
}

// request is the REST request.
func (r *restOrder) request(io streams) (types.Payload, error) {
	rest := &types.RESTPayload{Method: r.method, Path: r.path}
	for _, line := range r.headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return types.Payload{}, fail(ExitUsage, "--header %q is not NAME: VALUE", short(line))
		}
		rest.Headers = append(rest.Headers, &types.HTTPHeader{Name: name, Value: strings.TrimSpace(value)})
	}
	var err error
	if rest.Body, err = readBody(io, r.body); err != nil {
		return types.Payload{}, fail(ExitUsage, "--body: %w", err)
	}
	payload := types.Payload{REST: rest}
	if _, err := relay.ValidatePayload(payload); err != nil {
		return types.Payload{}, fail(ExitUsage, "REST request: %w", err)
	}
	return payload, nil
}
