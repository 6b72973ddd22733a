package deploycheck

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// mounts: every file that the configuration names is in a Secret that is mounted, every Secret that is mounted
// has such a file, no secret is in the environment or in another container, and all of it can change while
// the process runs.
func (p *Pod) mounts() (c complaints) {
	used := map[string]bool{}
	for _, file := range p.Config.Files() {
		mount, volume := p.mountOf(file)
		switch {
		case mount == nil || volume.Secret == nil:
			c.add("%s is in no Secret that is mounted", file)
		case path.Dir(file) != mount.MountPath:
			c.add("%s is below a folder of its Secret, which has none", file)
		default:
			used[mount.Name] = true
		}
	}
	for _, mount := range p.Container.VolumeMounts {
		volume := p.volume(mount.Name)
		switch {
		case volume == nil:
			c.add("%s is mounted, and is no volume", mount.Name)
		case volume.Secret != nil && !used[mount.Name]:
			c.add("Secret %s is mounted, and the configuration names no file in it", volume.Secret.SecretName)
		case mount.SubPath != "" || mount.SubPathExpr != "":
			c.add("%s is mounted by subPath, and would never change", mount.Name)
		case volume.EmptyDir == nil && !mount.ReadOnly:
			c.add("%s is mounted to be written to", mount.Name)
		}
	}
	c = append(c, p.unmounted()...)
	c = append(c, p.environment()...)
	return append(c, p.socket()...)
}

// unmounted volumes, and Secrets in the wrong container.
func (p *Pod) unmounted() (c complaints) {
	for _, volume := range p.Spec.Volumes {
		mounted := false
		for _, container := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
			if !mounts(container, volume.Name) {
				continue
			}
			mounted = true
			if volume.Secret != nil && container.Name != containerName {
				c.add("Secret %s is mounted in container %s", volume.Secret.SecretName, container.Name)
			}
		}
		if !mounted {
			c.add("volume %s is mounted nowhere", volume.Name)
		}
		if secret := volume.Secret; secret != nil && (secret.DefaultMode == nil || *secret.DefaultMode&^0o440 != 0) {
			c.add("Secret %s can be read by others than the group, or written to", secret.SecretName)
		}
	}
	return c
}

func mounts(container corev1.Container, volume string) bool {
	return slices.ContainsFunc(container.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume })
}

func (p *Pod) environment() (c complaints) {
	for _, name := range p.Config.Variables() {
		c.add("the configuration takes %s from the environment, which everybody sees who may describe a pod", name)
	}
	for _, container := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		for _, variable := range container.Env {
			if variable.ValueFrom != nil && variable.ValueFrom.SecretKeyRef != nil {
				c.add("container %s has a secret in its environment, as %s", container.Name, variable.Name)
			}
		}
		for _, from := range container.EnvFrom {
			if from.SecretRef != nil {
				c.add("container %s has Secret %s in its environment", container.Name, from.SecretRef.Name)
			}
		}
	}
	return c
}

// socket: in a folder that another container has as well, of a group that both have.
func (p *Pod) socket() (c complaints) {
	socket := p.Config.Socket()
	if socket == "" {
		return nil
	}
	mount, volume := p.mountOf(socket)
	if mount == nil || volume.EmptyDir == nil || mount.ReadOnly {
		c.add("%s is in no emptyDir that can be written to", socket)
		return c
	}
	var uids []int64
	for _, container := range p.Spec.Containers {
		for _, m := range container.VolumeMounts {
			if m.Name != mount.Name || m.MountPath != mount.MountPath {
				continue
			}
			if s := container.SecurityContext; s != nil && s.RunAsUser != nil {
				uids = append(uids, *s.RunAsUser)
			}
		}
	}
	for _, uid := range p.Config.UIDs() {
		if !slices.Contains(uids, uid) {
			c.add("a client has the uid %d, and no container with the socket runs as that", uid)
		}
		if own := p.Container.SecurityContext; own != nil && own.RunAsUser != nil && *own.RunAsUser == uid {
			c.add("a client has the uid %d, as onetoken itself", uid)
		}
	}
	if len(uids) == 0 {
		c.add("no other container has %s at %s", mount.Name, strings.TrimSuffix(mount.MountPath, "/"))
	}
	if s := p.Spec.SecurityContext; s == nil || s.FSGroup == nil {
		c.add("the pod has no fsGroup, by which other users may connect to the socket")
	}
	return c
}
