package localnet

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// standIn is a fake program that records its arguments and the manifests on its input; the fake kubectl can report a
// given network.
const standIn = `#!/bin/sh
echo "${0##*/} $*" >>"$CALLS"
case "$*" in
*"get namespace"*) [ -n "${RUNNING:-}" ] ;;
*"get configmap"*SERVICERS*) printf '%s' "$RUNNING" ;;
*"get configmap"*FISHERMEN*) printf '%s' "${FISHING:-}" ;;
"apply --kustomize "*) cat "$3/../k8s/localnet.env" >>"$CALLS"; ls "$3" >>"$CALLS" ;;
esac
`

// runScript runs k8s.sh with only the given fake programs and the shell's own on PATH.
func runScript(t *testing.T, programs, environment []string, args ...string) (calls, stderr string, err error) {
	t.Helper()
	directory := t.TempDir()
	for _, own := range []string{"bash", "sh", "dirname", "mktemp", "rm", "cp", "cat", "ls"} {
		path, err := exec.LookPath(own)
		if err != nil {
			t.Skipf("no %s here, which the script needs", own)
		}
		if err := os.Symlink(path, filepath.Join(directory, own)); err != nil {
			t.Fatal(err)
		}
	}
	for _, program := range programs {
		if err := os.WriteFile(filepath.Join(directory, program), []byte(standIn), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	record := filepath.Join(directory, "calls.txt")
	command := exec.Command("bash", append([]string{"k8s.sh"}, args...)...)
	command.Env = append([]string{"PATH=" + directory, "CALLS=" + record, "TMPDIR=" + t.TempDir()}, environment...)
	var said strings.Builder
	command.Stderr = &said
	err = command.Run()
	written, _ := os.ReadFile(record)
	return string(written), said.String(), err
}

// TestScriptRefuses: each problem is reported in one line, and nothing is changed.
func TestScriptRefuses(t *testing.T) {
	all := []string{"kubectl", "docker", "kind", "k3s", "minikube"}
	for _, test := range []struct {
		name                        string
		programs, environment, args []string
		want                        string
	}{
		{"no command", all, nil, nil, "usage: k8s.sh up | k8s.sh down"},
		{"no kubectl", []string{"docker", "kind"}, nil, []string{"up"}, "kubectl is not installed"},
		{"no kubectl for down", nil, nil, []string{"down"}, "kubectl is not installed"},
		{"no kind", []string{"kubectl", "docker"}, nil, []string{"up"}, "kind is not installed"},
		{"no minikube", []string{"kubectl", "docker", "kind"}, []string{"LOADER=minikube"}, []string{"up"}, "minikube is not installed"},
		{"no docker", []string{"kubectl", "kind"}, nil, []string{"up"}, "docker is not installed"},
		{"unknown loader", all, []string{"LOADER=k8s"}, []string{"up"}, "LOADER is 'k8s'; it is kind, k3s, minikube or none"},
		{"no number", all, []string{"SERVICERS=many"}, []string{"up"}, "SERVICERS is 'many'; it is a number from 1 to 256"},
		{"too many", all, []string{"SERVICERS=257"}, []string{"up"}, "SERVICERS is '257'; it is a number from 1 to 256"},
		{"zero", all, []string{"VALIDATORS=0"}, []string{"up"}, "VALIDATORS is '0'"},
		{"one fisherman", all, []string{"RUNNING=6", "FISHING=1", "VANTAGE=1"}, []string{"up"}, "has FISHERMEN=1, not 3; run 'make localnet_k8s_down' first"},
		{"three fishermen", all, []string{"RUNNING=6", "FISHING=3"}, []string{"up"}, "has FISHERMEN=3, not 1"},
		{"another network", all, []string{"RUNNING=6", "SERVICERS=12"}, []string{"up"}, "has SERVICERS=6, not 12; run 'make localnet_k8s_down' first"},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls, stderr, err := runScript(t, test.programs, test.environment, test.args...)
			if err == nil || !strings.HasPrefix(stderr, "localnet_k8s: ") || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) {
				t.Errorf("%v: %q, want one line with %q", err, stderr, test.want)
			}
			if strings.Contains(calls, "apply") || strings.Contains(calls, "build") || strings.Contains(calls, "delete") {
				t.Errorf("it went on:\n%s", calls)
			}
		})
	}
}

// TestScriptRuns: the image is built and loaded by the chosen loader, and the manifests have the given numbers.
func TestScriptRuns(t *testing.T) {
	for loader, want := range map[string]string{
		"kind":     "kind load docker-image --name kind pocket-fisherman:localnet\n",
		"minikube": "minikube image load --profile minikube pocket-fisherman:localnet\n",
		"k3s":      "sudo k3s ctr images import -\n",
		"none":     "",
	} {
		t.Run(loader, func(t *testing.T) {
			calls, stderr, err := runScript(t, []string{"kubectl", "docker", "sudo", loader}, []string{"LOADER=" + loader, "SERVICERS=12"}, "up")
			if err != nil {
				t.Fatalf("%v: %s", err, stderr)
			}
			for _, part := range []string{want, "SERVICERS=12\n", "VALIDATORS=4\n", "kustomization.yaml\n", "rollout status statefulset/fisherman"} {
				if !strings.Contains(calls, part) {
					t.Errorf("%q is not among its calls:\n%s", part, calls)
				}
			}
			if built := strings.Contains(calls, "docker build --file Dockerfile --tag pocket-fisherman:localnet ../..\n"); built != (loader != "none") {
				t.Errorf("the image was built: %v", built)
			}
		})
	}
	calls, stderr, err := runScript(t, []string{"kubectl"}, []string{"LOADER=none", "VANTAGE=1"}, "up")
	if err != nil || !strings.Contains(calls, "nats.yaml\n") || !strings.Contains(calls, "rollout status statefulset/collector") {
		t.Errorf("vantage points: %v: %s%s", err, stderr, calls)
	}
	calls, stderr, err = runScript(t, []string{"kubectl"}, nil, "down")
	if err != nil || calls != "kubectl delete namespace pocket-localnet --ignore-not-found\n" {
		t.Errorf("down: %v: %s%s", err, stderr, calls)
	}
}
