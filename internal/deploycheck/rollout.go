package deploycheck

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// shutdownTakes is how long onetoken may take to end, in seconds: docs/service.md.
const shutdownTakes = 10

// rollout: two or more, on two nodes, of which an update and a drain each leave one; and time to end.
func (s *Set) rollout(p *Pod) (c complaints) {
	d := p.Deployment
	replicas := replicasOf(d)
	if replicas < 2 {
		c.add("%d of them is less than two", replicas)
	}
	if !selected(d.Spec.Selector, p.labels()) {
		c.add("the Deployment's selector does not choose its own pods")
	}
	switch update := d.Spec.Strategy.RollingUpdate; {
	case d.Spec.Strategy.Type != appsv1.RollingUpdateDeploymentStrategyType || update == nil || update.MaxUnavailable == nil || update.MaxSurge == nil:
		c.add("an update is not a rolling one of a size that is given")
	case scaled(*update.MaxUnavailable, replicas, false) != 0:
		c.add("an update takes one away before another is ready")
	case scaled(*update.MaxSurge, replicas, true) < 1:
		c.add("an update cannot begin")
	}
	if p.Sidecar {
		if always := corev1.ContainerRestartPolicyAlways; p.Container.RestartPolicy == nil || *p.Container.RestartPolicy != always {
			c.add("the sidecar is an init container that has to end before the application starts: restartPolicy Always is missing")
		}
	} else {
		c = append(c, p.spread()...)
		c = append(c, s.budgets(p, replicas)...)
	}
	if grace := p.Spec.TerminationGracePeriodSeconds; grace == nil || *grace <= shutdownTakes+p.preStop() {
		c.add("it is killed before the %d s that it may take, and the %d s of preStop", shutdownTakes, p.preStop())
	}
	return c
}

func replicasOf(d *appsv1.Deployment) int {
	if d.Spec.Replicas == nil {
		return 1
	}
	return int(*d.Spec.Replicas)
}

// scaled is a number, or a share of the total; what is left of it counts as one if up.
func scaled(of intstr.IntOrString, total int, up bool) int {
	n, err := intstr.GetScaledValueFromIntOrPercent(&of, total, up)
	if err != nil {
		return -1
	}
	return n
}

func (p *Pod) preStop() int64 {
	if l := p.Container.Lifecycle; l != nil && l.PreStop != nil && l.PreStop.Sleep != nil {
		return l.PreStop.Sleep.Seconds
	}
	return 0
}

func (p *Pod) spread() (c complaints) {
	nodes := false
	for _, constraint := range p.Spec.TopologySpreadConstraints {
		if !selected(constraint.LabelSelector, p.labels()) {
			c.add("what is spread over %s are not these pods", constraint.TopologyKey)
		}
		nodes = nodes || constraint.TopologyKey == corev1.LabelHostname && constraint.WhenUnsatisfiable == corev1.DoNotSchedule
	}
	if !nodes {
		c.add("all may be on one node")
	}
	return c
}

// budgets: exactly one, that lets some pod go and keeps another.
func (s *Set) budgets(p *Pod, replicas int) (c complaints) {
	var chosen []policyv1.PodDisruptionBudget
	for _, b := range s.Budgets {
		if b.Namespace == p.Deployment.Namespace && selected(b.Spec.Selector, p.labels()) {
			chosen = append(chosen, b)
		}
	}
	if len(chosen) != 1 {
		c.add("%d PodDisruptionBudgets are of these pods, and not one", len(chosen))
		return c
	}
	may := 0
	switch spec := chosen[0].Spec; {
	case spec.MaxUnavailable != nil:
		may = scaled(*spec.MaxUnavailable, replicas, true)
	case spec.MinAvailable != nil:
		may = replicas - scaled(*spec.MinAvailable, replicas, true)
	}
	if may < 1 {
		c.add("no node can be drained: the PodDisruptionBudget lets no pod go")
	}
	if may >= replicas {
		c.add("the PodDisruptionBudget lets all pods go at once")
	}
	return c
}
