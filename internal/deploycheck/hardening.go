package deploycheck

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// hardening: what Kubernetes calls restricted, and besides: nothing can be written but a socket, nothing of
// Kubernetes can be called, and memory is bounded.
func (p *Pod) hardening() (c complaints) {
	if p.Spec.AutomountServiceAccountToken == nil || *p.Spec.AutomountServiceAccountToken {
		c.add("the pod has a token of Kubernetes, which nobody needs")
	}
	if p.Spec.HostNetwork || p.Spec.HostPID || p.Spec.HostIPC {
		c.add("the pod is in a namespace of its host")
	}
	pod := p.Spec.SecurityContext
	if pod == nil || !isTrue(pod.RunAsNonRoot) || isRoot(pod.RunAsUser) {
		c.add("the pod may run as root")
	}
	if pod == nil || !isFiltered(pod.SeccompProfile) {
		c.add("the pod may make every system call")
	}
	for _, container := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		for _, text := range unconfined(container) {
			c.add("container %s %s", container.Name, text)
		}
	}
	return append(c, p.memory()...)
}

// unconfined: what a container says counts for it, whatever the pod says.
func unconfined(container corev1.Container) (c complaints) {
	s := container.SecurityContext
	if s == nil {
		return complaints{"has no securityContext"}
	}
	if s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || isTrue(s.Privileged) {
		c.add("may gain privileges")
	}
	if !isTrue(s.ReadOnlyRootFilesystem) {
		c.add("can write to its root")
	}
	if s.RunAsNonRoot != nil && !*s.RunAsNonRoot || isRoot(s.RunAsUser) {
		c.add("may run as root")
	}
	if s.SeccompProfile != nil && !isFiltered(s.SeccompProfile) {
		c.add("may make every system call")
	}
	if s.ProcMount != nil && *s.ProcMount != corev1.DefaultProcMount {
		c.add("sees all of /proc")
	}
	if s.Capabilities == nil || !slices.Contains(s.Capabilities.Drop, "ALL") || len(s.Capabilities.Add) > 0 {
		c.add("has capabilities")
	}
	return c
}

func isTrue(b *bool) bool { return b != nil && *b }

func isRoot(user *int64) bool { return user != nil && *user == 0 }

func isFiltered(p *corev1.SeccompProfile) bool {
	return p != nil && p.Type == corev1.SeccompProfileTypeRuntimeDefault
}

// memory: asked for and bounded, and the garbage collector knows of the bound. Processors are not bounded.
func (p *Pod) memory() (c complaints) {
	requests, limits := p.Container.Resources.Requests, p.Container.Resources.Limits
	if requests.Memory().IsZero() || requests.Cpu().IsZero() || limits.Memory().IsZero() || limits.Memory().Cmp(*requests.Memory()) < 0 {
		c.add("memory and processor are not asked for, or memory is not bounded above that")
	}
	if !limits.Cpu().IsZero() {
		c.add("a bound of the processor makes calls late")
	}
	soft := resource.Quantity{}
	for _, variable := range p.Container.Env {
		if variable.Name == "GOMEMLIMIT" {
			soft, _ = resource.ParseQuantity(strings.TrimSuffix(variable.Value, "B"))
		}
	}
	if soft.IsZero() || soft.Cmp(*limits.Memory()) >= 0 || soft.Cmp(*requests.Memory()) <= 0 {
		c.add("GOMEMLIMIT is not between what is asked for and the bound")
	}
	return c
}
