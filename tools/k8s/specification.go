package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// The schemas come from the module of Kubernetes itself, whose API server serves this specification. It is too big to
// be a dependency, and cannot be one because it replaces its own dependencies, so its version and checksum are pinned
// here.
const (
	kubernetes    = "k8s.io/kubernetes@v1.37.2"
	kubernetesSum = "h1:A2VDEiObzkYqFTKhSsn0ZEb0RlLEXpHWj93gi2HqEwE="
)

// downloaded returns Kubernetes' OpenAPI specification, from the module cache or the module proxy.
func downloaded(ctx context.Context) ([]byte, error) {
	command := exec.CommandContext(ctx, "go", "mod", "download", "-json", kubernetes)
	command.Dir = os.TempDir() // outside every module
	command.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	var said bytes.Buffer
	command.Stderr = &said
	printed, err := command.Output()
	var module struct{ Dir, Sum, Error string }
	if decoding := json.Unmarshal(printed, &module); decoding != nil && err == nil {
		return nil, fmt.Errorf("download %s: %w", kubernetes, decoding)
	}
	if err != nil {
		return nil, fmt.Errorf("download %s: %w: %s%s", kubernetes, err, module.Error, said.String())
	}
	if module.Sum != kubernetesSum {
		return nil, fmt.Errorf("download %s: checksum is %s, want %s", kubernetes, module.Sum, kubernetesSum)
	}
	return os.ReadFile(filepath.Join(module.Dir, "api", "openapi-spec", "swagger.json"))
}
