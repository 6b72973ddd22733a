// Package deploycheck looks at what deploy/ says, without a cluster and without a service manager: a module
// of its own, as it depends on the API types of Kubernetes. Reading order:
//
//  1. set.go: manifests as objects, read strictly; kustomize.go: those that kustomize makes.
//  2. configuration.go: what onetoken.yaml in a ConfigMap names. pod.go: a pod with onetoken in it.
//  3. complaints.go: what has to hold; ports.go, probes.go, mounts.go, rollout.go, hardening.go and
//     network.go have it by topic.
//  4. unit.go: a unit of systemd.
//
// The tests want no complaint about deploy/kubernetes, and one for each fault that they plant there. They
// lay files out as the mounts do, run the binary with them, and ask it what the probes and clients ask; and
// they have systemd's own tools look at deploy/systemd, and Grafana's own types at the dashboard.
package deploycheck
