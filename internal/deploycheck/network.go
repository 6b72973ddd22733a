package deploycheck

import (
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// place is one end of a connection: a pod, or an address outside of the cluster.
type place struct {
	name           string
	namespace, pod map[string]string // labels; nil: it is no pod
	addr           netip.Addr
}

const namespaceName = "kubernetes.io/metadata.name"

func podIn(namespace string, labels map[string]string) place {
	return place{name: "a pod of " + namespace, namespace: map[string]string{namespaceName: namespace}, pod: labels}
}

// Addresses that stand for what a policy has to tell apart. None is called.
var (
	internet  = []place{outside("198.41.0.4"), outside("2001:db8::1")}
	forbidden = []place{
		outside("10.1.2.3"), outside("172.16.1.2"), outside("192.168.1.2"), outside("fd00::1"),
		outside("169.254.169.254"), // where clouds hand out their own credentials
	}
	dns = podIn("kube-system", map[string]string{"k8s-app": "kube-dns"})
)

func outside(addr string) place { return place{name: addr, addr: netip.MustParseAddr(addr)} }

// network: one policy of these pods, that lets them reach what the configuration needs and nothing else, and
// lets in at each door whom it is for.
func (s *Set) network(p *Pod) (c complaints) {
	var chosen []networkingv1.NetworkPolicy
	for _, policy := range s.Policies {
		if policy.Namespace == p.Deployment.Namespace && selected(&policy.Spec.PodSelector, p.labels()) {
			chosen = append(chosen, policy)
		}
	}
	if len(chosen) != 1 {
		c.add("%d NetworkPolicies are of these pods, and not one", len(chosen))
		return c
	}
	spec := chosen[0].Spec
	for _, way := range []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress} {
		if !slices.Contains(spec.PolicyTypes, way) {
			c.add("%s is not restricted", way)
		}
	}
	c = append(c, p.egress(spec)...)
	return append(c, p.ingress(spec)...)
}

func (p *Pod) egress(spec networkingv1.NetworkPolicySpec) (c complaints) {
	reaches := func(to place, protocol corev1.Protocol, port int32) bool {
		return slices.ContainsFunc(spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool {
			return isPeer(r.To, to) && p.isPort(r.Ports, protocol, port, false)
		})
	}
	for _, protocol := range []corev1.Protocol{corev1.ProtocolUDP, corev1.ProtocolTCP} {
		if !reaches(dns, protocol, 53) {
			c.add("DNS cannot be asked by %s", protocol)
		}
	}
	peers, err := p.Config.Peers()
	if err != nil {
		c.add("%v", err)
	}
	for _, peer := range peers {
		for _, to := range placesOf(peer.Host) {
			if !reaches(to, corev1.ProtocolTCP, peer.Port) {
				c.add("%s:%d (%s) cannot be reached", peer.Host, peer.Port, to.name)
			}
		}
	}
	for _, to := range forbidden {
		for _, port := range []int32{80, 443, 6379} {
			if reaches(to, corev1.ProtocolTCP, port) {
				c.add("%s:%d can be reached", to.name, port)
			}
		}
	}
	if reaches(internet[0], corev1.ProtocolTCP, 80) || reaches(podIn("other", nil), corev1.ProtocolTCP, 443) {
		c.add("more than Redis, issuers and DNS can be reached")
	}
	return c
}

// placesOf a host by its name: NAME.NAMESPACE.svc... is in the cluster, all else on the internet.
func placesOf(host string) []place {
	if parts := strings.Split(host, "."); len(parts) > 2 && parts[2] == "svc" {
		return []place{podIn(parts[1], map[string]string{})}
	}
	return internet
}

func (p *Pod) ingress(spec networkingv1.NetworkPolicySpec) (c complaints) {
	lets := func(from place, port int32) bool {
		return slices.ContainsFunc(spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool {
			return isPeer(r.From, from) && p.isPort(r.Ports, corev1.ProtocolTCP, port, true)
		})
	}
	client, stranger, monitor := podIn("any", map[string]string{"onetoken-client": "true"}), podIn("any", nil), podIn("monitoring", nil)
	for _, door := range doors {
		port := p.Config.Port(door)
		switch {
		case !p.Config.Reached(door):
		case door == "status" && !lets(monitor, port):
			c.add("Prometheus may not come to the status")
		case door == "status" && lets(client, port):
			c.add("clients may come to the status")
		case door != "status" && !lets(client, port):
			c.add("clients may not come to %s", door)
		case lets(stranger, port) || lets(internet[0], port):
			c.add("everybody may come to %s", door)
		}
	}
	return c
}

// isPeer: no peers are everybody.
func isPeer(peers []networkingv1.NetworkPolicyPeer, of place) bool {
	return len(peers) == 0 || slices.ContainsFunc(peers, func(peer networkingv1.NetworkPolicyPeer) bool {
		if peer.IPBlock != nil {
			return of.namespace == nil && isIn(peer.IPBlock.CIDR, of.addr) &&
				!slices.ContainsFunc(peer.IPBlock.Except, func(cidr string) bool { return isIn(cidr, of.addr) })
		}
		return of.namespace != nil && peer.NamespaceSelector != nil && selected(peer.NamespaceSelector, of.namespace) &&
			(peer.PodSelector == nil || selected(peer.PodSelector, of.pod))
	})
}

func isIn(cidr string, addr netip.Addr) bool {
	prefix, err := netip.ParsePrefix(cidr)
	return err == nil && prefix.Contains(addr)
}

// isPort: no ports are all. A name is one of these pods' own, where they are called.
func (p *Pod) isPort(ports []networkingv1.NetworkPolicyPort, protocol corev1.Protocol, port int32, own bool) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(one networkingv1.NetworkPolicyPort) bool {
		if one.Protocol == nil || *one.Protocol != protocol {
			return false
		}
		if one.Port == nil {
			return true
		}
		if own && one.Port.Type == intstr.String {
			return p.port(*one.Port) == port
		}
		return one.Port.Type == intstr.Int && one.Port.IntVal == port
	})
}
