package deploycheck

import (
	"fmt"
	"path"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Pod is one of a Deployment, in which a container runs onetoken.
type Pod struct {
	Deployment *appsv1.Deployment
	Spec       *corev1.PodSpec
	Container  *corev1.Container // that runs onetoken
	Sidecar    bool              // it does so beside another
	Config     Configuration
}

// containerName of the one that runs onetoken.
const containerName = "onetoken"

// Pods of the set that run onetoken, with the configuration that is mounted there.
func (s *Set) Pods() (all []*Pod, err error) {
	for i := range s.Deployments {
		d := &s.Deployments[i]
		p := &Pod{Deployment: d, Spec: &d.Spec.Template.Spec}
		if p.Container = containerOf(p.Spec.Containers); p.Container == nil {
			p.Container, p.Sidecar = containerOf(p.Spec.InitContainers), true
		}
		if p.Container == nil {
			continue
		}
		if p.Config, err = s.configOf(p); err != nil {
			return nil, fmt.Errorf("deployment %s: %w", d.Name, err)
		}
		all = append(all, p)
	}
	return all, nil
}

func containerOf(containers []corev1.Container) *corev1.Container {
	for i := range containers {
		if containers[i].Name == containerName {
			return &containers[i]
		}
	}
	return nil
}

// configOf the file that --config names, in the ConfigMap that is mounted there.
func (s *Set) configOf(p *Pod) (Configuration, error) {
	file := p.ConfigPath()
	mount, volume := p.mountOf(file)
	if mount == nil || volume.ConfigMap == nil {
		return nil, fmt.Errorf("--config %s is in no ConfigMap that is mounted", file)
	}
	for _, c := range s.ConfigMaps {
		if text, ok := c.Data[path.Base(file)]; ok && c.Name == volume.ConfigMap.Name && c.Namespace == p.Deployment.Namespace {
			return ReadConfiguration(text)
		}
	}
	return nil, fmt.Errorf("ConfigMap %s has no %s", volume.ConfigMap.Name, path.Base(file))
}

// ConfigPath is the argument of --config; "": there is none.
func (p *Pod) ConfigPath() string {
	if i := slices.Index(p.Container.Args, "--config"); i >= 0 && i+1 < len(p.Container.Args) {
		return p.Container.Args[i+1]
	}
	return ""
}

// mountOf is the innermost mount that a file is below, and its volume; nil: none.
func (p *Pod) mountOf(file string) (mount *corev1.VolumeMount, volume *corev1.Volume) {
	for i, m := range p.Container.VolumeMounts {
		if strings.HasPrefix(file, m.MountPath+"/") && (mount == nil || len(m.MountPath) > len(mount.MountPath)) {
			mount = &p.Container.VolumeMounts[i]
		}
	}
	if mount != nil {
		volume = p.volume(mount.Name)
	}
	if volume == nil {
		return nil, nil
	}
	return mount, volume
}

func (p *Pod) volume(name string) *corev1.Volume {
	for i := range p.Spec.Volumes {
		if p.Spec.Volumes[i].Name == name {
			return &p.Spec.Volumes[i]
		}
	}
	return nil
}

// port by name or number; 0: the pod has none.
func (p *Pod) port(which intstr.IntOrString) int32 {
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		for _, port := range c.Ports {
			if port.Name == which.StrVal && which.Type == intstr.String || which.Type == intstr.Int && port.ContainerPort == which.IntVal {
				return port.ContainerPort
			}
		}
	}
	return 0
}

func (p *Pod) labels() map[string]string { return p.Deployment.Spec.Template.Labels }

// selected reports whether a selector chooses the labels; one that is missing chooses nothing.
func selected(selector *metav1.LabelSelector, of map[string]string) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && s.Matches(labels.Set(of))
}
