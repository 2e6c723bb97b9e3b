package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const localnet = "../../build/localnet"

// TestManifests: the LocalNet's manifests are valid by Kubernetes' own schemas; misspelt, misplaced and wrongly typed
// fields are errors.
func TestManifests(t *testing.T) {
	rendered, err := render(filepath.Join(localnet, "k8s"))
	if err != nil {
		t.Fatal(err)
	}
	checker, err := newChecker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer checker.Close()
	if count, err := checker.check("localnet", rendered); err != nil || count != 9 {
		t.Fatalf("%d objects: %v", count, err)
	}
	for _, broken := range []struct{ name, old, new, want string }{
		{"misspelt field", "replicas: 6", "replica: 6", "replica"},
		{"misspelt nested field", "readOnlyRootFilesystem:", "readOnlyRootFileSystem:", "readOnlyRootFileSystem"},
		{"misplaced field", "  serviceName: servicer", "  serviceName: servicer\n  containers: []", "containers"},
		{"text for a number", "replicas: 6", "replicas: six", "replicas"},
		{"number for text", "mountPath: /keys", "mountPath: 1", "mountPath"},
		{"missing field", "  serviceName: servicer\n", "  selektor: {}\n", "StatefulSet servicer"},
		{"no such version", "apiVersion: apps/v1\n", "apiVersion: apps/v9\n", "could not find schema"},
		{"no such kind", "kind: StatefulSet\n", "kind: StatefulSett\n", "could not find schema"},
		{"repeated field", "replicas: 6", "replicas: 6\n  replicas: 7", "already"},
	} {
		t.Run(broken.name, func(t *testing.T) {
			text := strings.ReplaceAll(string(rendered), broken.old, broken.new)
			if text == string(rendered) {
				t.Fatalf("%q is not in the manifests", broken.old)
			}
			_, err := checker.check("broken", []byte(text))
			if err == nil || !strings.Contains(err.Error(), broken.want) {
				t.Errorf("error is %v, want %q in it", err, broken.want)
			}
		})
	}
	if _, err := checker.check("empty", nil); err == nil {
		t.Error("no objects are valid")
	}
}

func TestCompose(t *testing.T) {
	path := filepath.Join(localnet, "compose.yaml")
	if err := checkCompose(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range []struct{ name, old, new, want string }{
		{"misspelt field", "read_only:", "readonly:", "readonly"},
		{"unknown service", "\n  homes:\n", "\n  other:\n", "homes"},
		{"unknown volume", "\nvolumes:\n  nodes:", "\nvolumes:\n  other:", "undefined volume"},
		{"wrong type", "read_only: true", "read_only: [maybe]", "read_only"},
	} {
		t.Run(broken.name, func(t *testing.T) {
			text := strings.ReplaceAll(string(good), broken.old, broken.new)
			if text == string(good) {
				t.Fatalf("%q is not in the file", broken.old)
			}
			path := filepath.Join(t.TempDir(), "compose.yaml")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := checkCompose(t.Context(), path); err == nil || !strings.Contains(err.Error(), broken.want) {
				t.Errorf("error is %v, want %q in it", err, broken.want)
			}
		})
	}
}

// TestVantage: the overlays of several vantage points are valid; each server of NATS, each fisherman and the collector are
// confined, and only APIs can be reached, from this machine alone.
func TestVantage(t *testing.T) {
	rendered, err := render(filepath.Join(localnet, "k8s-vantage"))
	if err != nil {
		t.Fatal(err)
	}
	checker, err := newChecker(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer checker.Close()
	if count, err := checker.check("vantage", rendered); err != nil || count != 13 {
		t.Errorf("%d objects: %v", count, err)
	}
	project, err := loadCompose(t.Context(), filepath.Join(localnet, "compose.yaml"), filepath.Join(localnet, "compose.vantage.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	roles := map[string]int{}
	for name, service := range project.Services {
		role, _, _ := strings.Cut(name, "-")
		roles[role]++
		if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) || service.MemLimit == 0 {
			t.Errorf("%s is not confined: %+v", name, service)
		}
		for _, port := range service.Ports {
			if role != "fisherman" && role != "collector" || port.HostIP != "127.0.0.1" {
				t.Errorf("%s has port %+v", name, port)
			}
		}
		if want := []string{"node", "start", "--home", "/node/" + name}; role == "fisherman" && !slices.Equal(service.Command, want) {
			t.Errorf("%s runs %q, want %q", name, service.Command, want)
		}
	}
	if roles["fisherman"] != 3 || roles["nats"] != 3 || roles["collector"] != 1 {
		t.Errorf("there are %v", roles)
	}
}

// TestComposeNetwork: the fisherman waits until the servicers are level; each node has the home of its name, is reachable by the name that the others use, and is
// confined; only the fisherman's API can be reached from outside, and only from this machine.
func TestComposeNetwork(t *testing.T) {
	project, err := loadCompose(t.Context(), filepath.Join(localnet, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	roles := map[string]int{}
	for name, service := range project.Services {
		if !service.ReadOnly || !slices.Equal(service.CapDrop, []string{"ALL"}) || service.MemLimit == 0 || service.Image != "pocket-fisherman:localnet" {
			t.Errorf("%s is not confined, or has another image: %+v", name, service)
		}
		if name == "homes" || name == "servicers" { // they end
			if service.Restart != "no" {
				t.Errorf("%s is started again when it ends", name)
			}
			continue
		}
		role, _, _ := strings.Cut(name, "-")
		roles[role]++
		if want := []string{"node", "start", "--home", "/node/" + name}; !slices.Equal(service.Command, want) {
			t.Errorf("%s runs %q, want %q", name, service.Command, want)
		}
		if network := service.Networks["default"]; network == nil || !slices.Equal(network.Aliases, []string{name + "." + role}) {
			t.Errorf("%s is called %+v", name, network)
		}
		for _, port := range service.Ports {
			if role != "fisherman" || port.HostIP != "127.0.0.1" {
				t.Errorf("%s has port %+v", name, port)
			}
		}
	}
	if waits := strings.Join(project.Services["servicers"].Command, " "); waits != "localnet await --home /node/fisherman-0" ||
		project.Services["fisherman-0"].DependsOn["servicers"].Condition != "service_completed_successfully" {
		t.Errorf("the fisherman does not wait for the servicers, which are awaited by %q", waits)
	}
	made := strings.Join(project.Services["homes"].Command, " ")
	want := fmt.Sprintf("localnet home --home /node --listen-host 0.0.0.0 --validators %d --servicers %d", roles["validator"], roles["servicer"])
	if made != want || roles["fisherman"] != 1 {
		t.Errorf("homes are made by %q, want %q", made, want)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"check"}, {"chek", "x"}, {"check", "a", "b"}} {
		if err := run(t.Context(), args); err != errUsage {
			t.Errorf("%q: %v", args, err)
		}
	}
}
