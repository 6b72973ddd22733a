package deploycheck

import (
	"errors"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// Set is what is applied together.
type Set struct {
	Namespaces      []corev1.Namespace
	ServiceAccounts []corev1.ServiceAccount
	ConfigMaps      []corev1.ConfigMap
	Deployments     []appsv1.Deployment
	Services        []corev1.Service
	Budgets         []policyv1.PodDisruptionBudget
	Policies        []networkingv1.NetworkPolicy
}

// Read reads documents of YAML. A field that its type does not have, a key that is there twice, and a kind
// that is none of Set are errors.
func Read(text string) (*Set, error) {
	s := &Set{}
	var errs []error
	for i, document := range documents(text) {
		if err := s.add([]byte(document)); err != nil {
			errs = append(errs, fmt.Errorf("document %d: %w", i+1, err))
		}
	}
	return s, errors.Join(errs...)
}

func documents(text string) (all []string) {
	for document := range strings.SplitSeq("\n"+text, "\n---\n") {
		if strings.TrimSpace(document) != "" {
			all = append(all, document)
		}
	}
	return all
}

func (s *Set) add(document []byte) error {
	var kind struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := yaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 Namespace":
		return read(document, &s.Namespaces)
	case "v1 ServiceAccount":
		return read(document, &s.ServiceAccounts)
	case "v1 ConfigMap":
		return read(document, &s.ConfigMaps)
	case "apps/v1 Deployment":
		return read(document, &s.Deployments)
	case "v1 Service":
		return read(document, &s.Services)
	case "policy/v1 PodDisruptionBudget":
		return read(document, &s.Budgets)
	case "networking.k8s.io/v1 NetworkPolicy":
		return read(document, &s.Policies)
	}
	return fmt.Errorf("%s %q is not known here", kind.APIVersion, kind.Kind)
}

func read[T any](document []byte, all *[]T) error {
	var one T
	if err := yaml.UnmarshalStrict(document, &one); err != nil {
		return err
	}
	*all = append(*all, one)
	return nil
}
