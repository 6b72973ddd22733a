package deploycheck

import (
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// ports: the container has those that the configuration listens at, by the names of the sections, and no
// others; a Service leads to each door; Prometheus is sent to the status.
func (s *Set) ports(p *Pod) (c complaints) {
	for _, port := range p.Container.Ports {
		if !slices.Contains(doors, port.Name) || p.Config.Port(port.Name) != port.ContainerPort {
			c.add("port %s is %d, and the configuration listens at %d there", port.Name, port.ContainerPort, p.Config.Port(port.Name))
		}
	}
	for _, door := range doors {
		if !p.Config.Reached(door) {
			continue
		}
		if p.port(intstr.FromString(door)) == 0 {
			c.add("%s listens at %d, and the container has no port of that name", door, p.Config.Port(door))
		}
		if door != "status" && !s.isServed(p, door) {
			c.add("no Service leads to %s", door)
		}
	}
	for _, service := range s.servicesOf(p) {
		for _, port := range service.Spec.Ports {
			switch target := p.port(port.TargetPort); {
			case target == 0:
				c.add("Service %s leads port %d to %s, which no container has", service.Name, port.Port, port.TargetPort.String())
			case !slices.ContainsFunc(doors, func(door string) bool { return p.Config.Port(door) == target && p.Config.Reached(door) }):
				c.add("Service %s leads port %d to %s, where nothing listens for others", service.Name, port.Port, port.TargetPort.String())
			}
		}
	}
	annotations := p.Deployment.Spec.Template.Annotations
	if port := strconv.Itoa(int(p.Config.Port("status"))); annotations["prometheus.io/port"] != port || annotations["prometheus.io/path"] != "/metrics" {
		c.add("Prometheus is sent to %s%s, and the metrics are at %s/metrics", annotations["prometheus.io/port"], annotations["prometheus.io/path"], port)
	}
	return c
}

func (s *Set) isServed(p *Pod, door string) bool {
	for _, service := range s.servicesOf(p) {
		for _, port := range service.Spec.Ports {
			if p.port(port.TargetPort) == p.Config.Port(door) {
				return true
			}
		}
	}
	return false
}

func (s *Set) servicesOf(p *Pod) (all []corev1.Service) {
	for _, service := range s.Services {
		selector := labels.Set(service.Spec.Selector)
		if service.Namespace == p.Deployment.Namespace && len(selector) > 0 && selector.AsSelector().Matches(labels.Set(p.labels())) {
			all = append(all, service)
		}
	}
	return all
}
