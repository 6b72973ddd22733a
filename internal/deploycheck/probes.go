package deploycheck

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// What the service answers at the status listener, which a test asks for.
const (
	alivePath = "/healthz"
	readyPath = "/readyz"
)

// probes: all three, each at the status listener, as it listens; the process is killed only when it stands
// still, and gets no requests before it is ready.
func (p *Pod) probes() (c complaints) {
	for _, want := range []struct {
		name  string
		probe *corev1.Probe
		paths []string
	}{
		{"startup", p.Container.StartupProbe, []string{alivePath}},
		{"liveness", p.Container.LivenessProbe, []string{alivePath}},
		{"readiness", p.Container.ReadinessProbe, []string{readyPath}},
	} {
		if want.probe == nil || want.probe.HTTPGet == nil {
			c.add("there is no %s probe by HTTP", want.name)
			continue
		}
		get := want.probe.HTTPGet
		if !slices.Contains(want.paths, get.Path) {
			c.add("the %s probe asks for %s, and not for %q", want.name, get.Path, want.paths)
		}
		if p.port(get.Port) != p.Config.Port("status") || !p.Config.Reached("status") {
			c.add("the %s probe asks at %s, where no status is to be had from outside of the pod", want.name, get.Port.String())
		}
		if isHTTPS := get.Scheme == corev1.URISchemeHTTPS; isHTTPS != p.Config.TLS("status") {
			c.add("the %s probe and the status listener do not agree about TLS", want.name)
		}
	}
	return c
}
