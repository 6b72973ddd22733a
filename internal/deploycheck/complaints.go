package deploycheck

import "fmt"

// Complaints are what does not hold together in the set; none: all is well.
func (s *Set) Complaints() []string {
	pods, err := s.Pods()
	switch {
	case err != nil:
		return []string{err.Error()}
	case len(pods) == 0:
		return []string{"nothing runs onetoken"}
	}
	var all complaints
	for _, p := range pods {
		all.of(p, "ports", s.ports(p))
		all.of(p, "probes", p.probes())
		all.of(p, "mounts", p.mounts())
		all.of(p, "rollout", s.rollout(p))
		all.of(p, "hardening", p.hardening())
		all.of(p, "network", s.network(p))
	}
	return all
}

type complaints []string

func (c *complaints) of(p *Pod, topic string, more []string) {
	for _, text := range more {
		*c = append(*c, fmt.Sprintf("deployment %s: %s: %s", p.Deployment.Name, topic, text))
	}
}

func (c *complaints) add(format string, args ...any) { *c = append(*c, fmt.Sprintf(format, args...)) }
