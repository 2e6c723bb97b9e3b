package localnet

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/pocket-fisherman/fisherman/rpc/client"
)

// TestManifestsDescribeANetwork: the processes that the manifests describe, with loopback addresses instead of the
// pods' names, become ready and make a network in which each servicer of a complete session is sampled. Already in the first
// one each servicer answers, although their nodes meet the chain late and fetch blocks first: the fisherman's pod waits for
// them.
func TestManifestsDescribeANetwork(t *testing.T) {
	all := pods(t, render(t, map[string]string{"VALIDATORS": "2", "SERVICERS": "3", "BLOCK_TIME": "400ms",
		"BLOCKS_PER_SESSION": "6", "CHECKS_PER_SESSION": "3"}))
	if len(all) != 6 {
		t.Fatalf("%d pods, want 6", len(all))
	}
	names := []string{}
	for i, host := range newLoopback(t, len(all)) {
		all[i].host = host
		names = append(names, all[i].dns, host)
	}
	nodes := make([]*process, len(all))
	for _, p := range all {
		// A pod has its own loopback and addresses.
		p.prepare(strings.NewReplacer(append(names, "127.0.0.1", p.host, "0.0.0.0", p.host)...))
	}
	start := func(i int) {
		command := all[i].command(all[i].spec.Containers[0])
		command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		nodes[i] = startProcess(t, command)
	}
	ready := func(i int) {
		t.Helper()
		p, c := all[i], all[i].spec.Containers[0]
		nodes[i].await(t, p.name+" is alive and ready", func() bool {
			return succeeds(p.probe(c.LivenessProbe.HTTPGet.Path, c.LivenessProbe.HTTPGet.Port)) &&
				succeeds(p.probe(c.ReadinessProbe.HTTPGet.Path, c.ReadinessProbe.HTTPGet.Port))
		})
	}
	each := func(role string, do func(i int)) {
		t.Helper()
		for i, p := range all {
			if strings.HasPrefix(p.name, role+"-") {
				do(i)
			}
		}
	}
	// The worst order: the chain runs, then the fisherman's pod starts, and only then the servicers'.
	each("validator", start)
	each("validator", ready)
	initialized := make(chan error, 1)
	each("fisherman", func(i int) {
		go func() { initialized <- all[i].initialize(all[i].spec.InitContainers[1:]) }()
		if len(all[i].spec.InitContainers) == 1 {
			start(i)
			ready(i)
		}
	})
	each("servicer", start)
	each("servicer", ready)
	if err := <-initialized; err != nil {
		t.Fatal(err)
	}
	each("fisherman", func(i int) {
		if nodes[i] == nil {
			start(i)
		}
	})
	each("fisherman", ready)
	samplesAll(t, all, nodes)
	for _, node := range nodes {
		node.stop(t)
	}
}

// samplesAll waits until the fisherman has a complete session, of which each servicer has an answered sample. In none before
// may a servicer have been unavailable: all its samples null.
func samplesAll(t *testing.T, all []*pod, nodes []*process) {
	t.Helper()
	for i, p := range all {
		if p.name != "fisherman-0" {
			continue
		}
		api, err := client.New(p.probe("", "api"))
		if err != nil {
			t.Fatal(err)
		}
		defer api.Close()
		nodes[i].await(t, "a complete session with every servicer sampled", func() bool {
			report, err := api.QoS(t.Context(), client.QoSFilter{})
			if err != nil {
				return false
			}
			for _, session := range report.Sessions {
				sampled := 0
				for _, servicer := range session.Servicers {
					switch {
					case servicer.Samples > servicer.NullSamples:
						sampled++
					case session.Complete && servicer.Samples > 0:
						t.Fatalf("in session %d, which is complete, no sample of %s was answered: %+v", session.Height, servicer.Address, servicer)
					}
				}
				if session.Complete && sampled == 3 {
					return true
				}
			}
			return false
		})
		return
	}
	t.Fatal("there is no fisherman")
}

// succeeds reports whether a probe would.
func succeeds(url string) bool {
	response, err := http.Get(url)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// TestPodsAreConfined checks the confinement that every pod must have.
func TestPodsAreConfined(t *testing.T) {
	objects := render(t, map[string]string{"SERVICERS": "12", "VALIDATORS": "7"})
	replicas := map[string]int{}
	for _, o := range objects {
		if o.Kind == "Service" && o.Spec.ClusterIP != "None" {
			t.Errorf("service %s is not headless", o.Metadata.Name)
		}
		if o.Kind != "StatefulSet" {
			continue
		}
		replicas[o.Metadata.Name] = o.Spec.Replicas
		spec, annotations := o.Spec.Template.Spec, o.Spec.Template.Metadata.Annotations
		if annotations["prometheus.io/scrape"] != "true" || annotations["prometheus.io/port"] != "50832" {
			t.Errorf("%s: annotations are %v", o.Metadata.Name, annotations)
		}
		if s := spec.SecurityContext; !s.RunAsNonRoot || s.RunAsUser != nobody || s.SeccompProfile.Type != "RuntimeDefault" ||
			spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
			t.Errorf("%s: pod is %+v", o.Metadata.Name, spec)
		}
		if len(o.Spec.VolumeClaimTemplates) != 1 {
			t.Errorf("%s: no volume of its own", o.Metadata.Name)
		}
		for _, c := range append(spec.InitContainers, spec.Containers...) {
			checkContainer(t, o.Metadata.Name+" "+c.Name, c)
		}
	}
	if replicas["servicer"] != 12 || replicas["validator"] != 7 || replicas["fisherman"] != 1 || len(replicas) != 3 {
		t.Errorf("replicas are %v", replicas)
	}
}

func checkContainer(t *testing.T, name string, c container) {
	t.Helper()
	if _, tag, tagged := strings.Cut(c.Image, ":"); !tagged || tag == "latest" {
		t.Errorf("%s: image is %s", name, c.Image)
	}
	for _, of := range []string{"cpu", "memory"} {
		if c.Resources.Requests[of] == "" || c.Resources.Limits[of] == "" {
			t.Errorf("%s: %s is not requested and limited", name, of)
		}
	}
	s := c.SecurityContext
	if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !s.ReadOnlyRootFilesystem ||
		strings.Join(s.Capabilities.Drop, ",") != "ALL" {
		t.Errorf("%s: security context is %+v", name, s)
	}
}
