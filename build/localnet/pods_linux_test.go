package localnet

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// object is the part of a Kubernetes object that these tests read.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Replicas    int
		ServiceName string
		ClusterIP   string
		Template    struct {
			Metadata struct{ Annotations map[string]string }
			Spec     podSpec
		}
		VolumeClaimTemplates []struct{ Metadata struct{ Name string } }
	}
}

type podSpec struct {
	InitContainers, Containers   []container
	AutomountServiceAccountToken *bool
	SecurityContext              struct {
		RunAsNonRoot   bool
		RunAsUser      int
		SeccompProfile struct{ Type string }
	}
	Volumes []struct {
		Name   string
		Secret *struct {
			SecretName string
			Items      []struct{ Key, Path string }
		}
	}
}

type container struct {
	Name, Image string
	Args        []string
	Env         []struct {
		Name      string
		ValueFrom struct {
			FieldRef     *struct{ FieldPath string }
			SecretKeyRef *struct{ Name, Key string }
		}
	}
	EnvFrom []struct{ ConfigMapRef struct{ Name string } }
	Ports   []struct {
		Name          string
		ContainerPort int
	}
	LivenessProbe, ReadinessProbe *struct{ HTTPGet struct{ Path, Port string } }
	Resources                     struct{ Requests, Limits map[string]string }
	SecurityContext               struct {
		AllowPrivilegeEscalation *bool
		ReadOnlyRootFilesystem   bool
		Capabilities             struct{ Drop []string }
	}
	VolumeMounts []struct{ Name, MountPath string }
}

// render makes the manifests with other numbers in localnet.env.
func render(t *testing.T, numbers map[string]string) []object {
	t.Helper()
	directory := t.TempDir()
	if err := os.CopyFS(directory, os.DirFS("k8s")); err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	for line := range strings.Lines(readText(t, filepath.Join(directory, "localnet.env"))) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if other, given := numbers[name]; given {
			value = other
		}
		fmt.Fprintf(&file, "%s=%s\n", name, value)
	}
	if err := os.WriteFile(filepath.Join(directory, "localnet.env"), []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("go", "run", "-C", filepath.Join(moduleRoot, "tools", "k8s"), ".", "render", directory)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	command.Stderr = os.Stderr
	printed, err := command.Output()
	if err != nil {
		t.Fatalf("render the manifests: %v", err)
	}
	var list struct{ Items []object }
	if err := json.Unmarshal(printed, &list); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// pod is one of a StatefulSet.
type pod struct {
	t       *testing.T
	objects []object
	spec    podSpec
	name    string
	// dns is its name for the others, host its address in the test.
	dns, host string
	// volumes is the directory that replaces the file systems of its volumes.
	volumes string
}

// pods returns the pods of all StatefulSets, without a host.
func pods(t *testing.T, objects []object) []*pod {
	t.Helper()
	var all []*pod
	for _, set := range objects {
		if set.Kind != "StatefulSet" {
			continue
		}
		for ordinal := range set.Spec.Replicas {
			p := &pod{t: t, objects: objects, spec: set.Spec.Template.Spec, volumes: t.TempDir(),
				name: fmt.Sprintf("%s-%d", set.Metadata.Name, ordinal)}
			p.dns = p.name + "." + set.Spec.ServiceName
			p.mount()
			all = append(all, p)
		}
	}
	return all
}

// find returns the object of a kind and a name.
func (p *pod) find(kind, name string) object {
	for _, o := range p.objects {
		if o.Kind == kind && o.Metadata.Name == name {
			return o
		}
	}
	p.t.Fatalf("%s: there is no %s %s", p.name, kind, name)
	return object{}
}

// secret returns a value of a Secret.
func (p *pod) secret(name, key string) []byte {
	value, err := base64.StdEncoding.DecodeString(p.find("Secret", name).Data[key])
	if err != nil || len(value) == 0 {
		p.t.Fatalf("%s: secret %s has no %s (%v)", p.name, name, key, err)
	}
	return value
}

// mount fills the volumes that are Secrets; the others are empty.
func (p *pod) mount() {
	for _, volume := range p.spec.Volumes {
		directory := filepath.Join(p.volumes, volume.Name)
		if err := os.Mkdir(directory, 0o700); err != nil {
			p.t.Fatal(err)
		}
		for _, item := range volume.Secret.Items {
			if err := os.WriteFile(filepath.Join(directory, item.Path), p.secret(volume.Secret.SecretName, item.Key), 0o440); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}

// environment returns a container's, as the kubelet makes it.
func (p *pod) environment(c container) map[string]string {
	environment := map[string]string{}
	for _, from := range c.EnvFrom {
		for name, value := range p.find("ConfigMap", from.ConfigMapRef.Name).Data {
			environment[name] = value
		}
	}
	for _, variable := range c.Env {
		switch from := variable.ValueFrom; {
		case from.FieldRef != nil && from.FieldRef.FieldPath == "metadata.name":
			environment[variable.Name] = p.name
		case from.SecretKeyRef != nil:
			environment[variable.Name] = string(p.secret(from.SecretKeyRef.Name, from.SecretKeyRef.Key))
		default:
			p.t.Fatalf("%s: these tests do not know where %s comes from", p.name, variable.Name)
		}
	}
	return environment
}

// command returns the process of a container: its arguments with variables expanded, and with the test's directories
// instead of its volumes' mount points.
func (p *pod) command(c container) *exec.Cmd {
	environment := p.environment(c)
	var variables, paths []string
	for name, value := range environment {
		variables = append(variables, "$("+name+")", value)
	}
	for _, mount := range c.VolumeMounts {
		paths = append(paths, "="+mount.MountPath+"/", "="+filepath.Join(p.volumes, mount.Name)+"/")
	}
	var args []string
	for _, arg := range c.Args {
		arg = strings.NewReplacer(variables...).Replace(arg)
		if strings.Contains(arg, "$(") {
			p.t.Fatalf("%s: %s names an unknown variable", p.name, arg)
		}
		args = append(args, strings.NewReplacer(paths...).Replace(arg))
	}
	command := exec.Command(program, args...)
	command.Env = []string{}
	for name, value := range environment {
		command.Env = append(command.Env, name+"="+value)
	}
	return command
}

// prepare runs the init container that writes the home, and replaces the network's addresses in the files there.
func (p *pod) prepare(addresses *strings.Replacer) {
	if err := p.initialize(p.spec.InitContainers[:1]); err != nil {
		p.t.Fatal(err)
	}
	for _, file := range []string{"genesis.json", "node.json"} {
		path := filepath.Join(p.volumes, "node", "home", file)
		text := addresses.Replace(readText(p.t, path))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
}

// initialize runs init containers, one after the other.
func (p *pod) initialize(containers []container) error {
	for _, c := range containers {
		if said, err := p.command(c).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %s: %w: %s", p.name, c.Name, err, said)
		}
	}
	return nil
}

// probe returns the URL of a probe of the pod's node.
func (p *pod) probe(path, port string) string {
	for _, named := range p.spec.Containers[0].Ports {
		if named.Name == port {
			return fmt.Sprintf("http://%s:%d%s", p.host, named.ContainerPort, path)
		}
	}
	p.t.Fatalf("%s: there is no port %s", p.name, port)
	return ""
}
