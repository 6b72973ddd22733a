package deploycheck_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/deploycheck"
)

// fault is planted in what kustomize makes: one text in the place of another, wherever that is.
type fault struct {
	folder, before, after string
	complaint             string // part of one
}

func TestEachFaultIsFound(t *testing.T) {
	built := map[string]string{services: build(t, services, nil), sidecar: build(t, sidecar, nil)}
	for _, f := range []fault{
		{services, "listen: \":8443\"", "listen: \":9443\"", "port tokens is 8443, and the configuration listens at 9443"},
		{services, "listen: \":8443\"", "listen: 127.0.0.1:8443", "ports: Service onetoken leads port 443 to tokens, where nothing listens for others"},
		{services, "targetPort: tokens", "targetPort: 8081", "Service onetoken leads port 443 to 8081, which no container has"},
		{services, "targetPort: tokens", "targetPort: status", "no Service leads to tokens"},
		{services, "containerPort: 8080\n          name: status", "containerPort: 8081\n          name: status", "port status is 8081"},
		{services, "prometheus.io/port: \"8080\"", "prometheus.io/port: \"8081\"", "Prometheus is sent to 8081/metrics"},
		{services, "  name: onetoken\n  namespace: onetoken\nspec:\n  ports:", "  name: onetoken\n  namespace: other\nspec:\n  ports:", "no Service leads to tokens"},

		{services, "readinessProbe", "preStopProbe", "unknown field"},
		{services, "          failureThreshold: 30\n          httpGet:\n            path: /healthz\n            port: status\n", "          tcpSocket: {port: status}\n", "there is no startup probe by HTTP"},
		{services, "path: /readyz", "path: /ready", "the readiness probe asks for /ready"},
		{services, "livenessProbe:\n          failureThreshold: 3\n          httpGet:\n            path: /healthz", "livenessProbe:\n          failureThreshold: 3\n          httpGet:\n            path: /readyz", "the liveness probe asks for /readyz"},
		{services, "path: /healthz\n            port: status", "path: /healthz\n            port: tokens", "where no status is to be had"},
		{services, "path: /healthz\n            port: status", "path: /healthz\n            port: status\n            scheme: HTTPS", "do not agree about TLS"},
		{services, "status: {listen: \":8080\", insecure: true}", "status: {listen: \"127.0.0.1:8080\"}", "the liveness probe asks at status, where no status is to be had"},

		{services, "app_secret_file: /run/secrets/onetoken/credentials/crm", "app_secret_file: /run/secrets/crm", "/run/secrets/crm is in no Secret that is mounted"},
		{services, "/run/secrets/onetoken/clients/reports", "/run/secrets/onetoken/clients/more/reports", "is below a folder of its Secret"},
		{services, "app_secret_file: /run/secrets/onetoken/credentials/crm", "app_secret_env: CRM", "takes CRM from the environment"},
		{services, "      volumes:\n", "      volumes:\n      - name: more\n        secret: {secretName: more, defaultMode: 288}\n", "volume more is mounted nowhere"},
		{services, "        volumeMounts:\n", "        volumeMounts:\n        - {name: more, mountPath: /more, readOnly: true}\n", "more is mounted, and is no volume"},
		{services, "secret_file: /run/secrets/onetoken/clients/", "secret_file: /run/secrets/onetoken/credentials/", "Secret onetoken-clients is mounted, and the configuration names no file in it"},
		{services, "          name: credentials\n", "          name: credentials\n          subPath: crm\n", "would never change"},
		{services, "          name: credentials\n          readOnly: true\n", "          name: credentials\n", "credentials is mounted to be written to"},
		{services, "defaultMode: 288", "defaultMode: 420", "can be read by others than the group"},
		{services, "        - name: GOMEMLIMIT\n", "        - name: CRM\n          valueFrom: {secretKeyRef: {name: onetoken-credentials, key: crm}}\n        - name: GOMEMLIMIT\n", "has a secret in its environment, as CRM"},
		{services, "        image: registry", "        envFrom: [{secretRef: {name: onetoken-credentials}}]\n        image: registry", "has Secret onetoken-credentials in its environment"},
		{services, "/etc/onetoken/onetoken.yaml", "/etc/onetoken.yaml", "--config /etc/onetoken.yaml is in no ConfigMap"},
		{services, "/etc/onetoken/onetoken.yaml", "/etc/onetoken/service.yaml", "ConfigMap onetoken has no service.yaml"},

		{services, "replicas: 2", "replicas: 1", "1 of them is less than two"},
		{services, "maxSurge: 1", "maxSurge: 0", "an update cannot begin"},
		{services, "      maxUnavailable: 0", "      maxUnavailable: 50%", "an update takes one away before another is ready"},
		{services, "type: RollingUpdate", "type: Recreate", "is not a rolling one"},
		{services, "  maxUnavailable: 1\n", "  maxUnavailable: 0\n", "no node can be drained"},
		{services, "  maxUnavailable: 1\n", "  minAvailable: 2\n", "no node can be drained"},
		{services, "  maxUnavailable: 1\n", "  maxUnavailable: 51%\n", "lets all pods go at once"},
		{services, "  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: onetoken", "  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app.kubernetes.io/name: other", "0 PodDisruptionBudgets are of these pods"},
		{services, "whenUnsatisfiable: DoNotSchedule", "whenUnsatisfiable: ScheduleAnyway", "all may be on one node"},
		{services, "        matchLabelKeys:\n        - pod-template-hash\n        maxSkew: 1\n        topologyKey: topology.kubernetes.io/zone\n", "        maxSkew: 1\n        topologyKey: topology.kubernetes.io/region\n      - labelSelector: {matchLabels: {app: other}}\n        maxSkew: 1\n        topologyKey: topology.kubernetes.io/zone\n", "what is spread over topology.kubernetes.io/zone are not these pods"},
		{services, "terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 15", "it is killed before the 10 s that it may take, and the 5 s of preStop"},
		{services, "      labels:\n        app.kubernetes.io/name: onetoken\n    spec:", "      labels:\n        app.kubernetes.io/name: other\n    spec:", "selector does not choose its own pods"},

		{services, "allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "may gain privileges"},
		{services, "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "can write to its root"},
		{services, "          capabilities:\n            drop:\n            - ALL\n", "", "has capabilities"},
		{services, "runAsNonRoot: true", "runAsNonRoot: false", "the pod may run as root"},
		{services, "type: RuntimeDefault", "type: Unconfined", "the pod may make every system call"},
		{services, "runAsUser: 65532", "runAsUser: 0", "the pod may run as root"},
		{services, "        securityContext:\n", "        securityContext:\n          runAsNonRoot: false\n", "container onetoken may run as root"},
		{services, "        securityContext:\n", "        securityContext:\n          runAsUser: 0\n", "container onetoken may run as root"},
		{services, "        securityContext:\n", "        securityContext:\n          seccompProfile: {type: Unconfined}\n", "container onetoken may make every system call"},
		{services, "        securityContext:\n", "        securityContext:\n          procMount: Unmasked\n", "container onetoken sees all of /proc"},
		{sidecar, "          runAsUser: 10001\n", "          runAsUser: 0\n", "container app may run as root"},
		{services, "      automountServiceAccountToken: false\n", "", "has a token of Kubernetes"},
		{services, "      enableServiceLinks: false\n", "      hostNetwork: true\n", "in a namespace of its host"},
		{services, "          limits:\n            memory: 256Mi\n", "", "memory is not bounded"},
		{services, "            memory: 256Mi\n", "            cpu: 100m\n            memory: 256Mi\n", "makes calls late"},
		{services, "value: 200MiB", "value: 300MiB", "GOMEMLIMIT is not between"},

		{services, "redis.redis.svc", "redis.cache.svc", "redis.cache.svc.cluster.local:6379 (a pod of cache) cannot be reached"},
		{services, "cluster.local:6379", "cluster.local:6380", "cannot be reached"},
		{services, "https://idp.example/", "https://idp.example:8443/", "idp.example:8443 (198.41.0.4) cannot be reached"},
		{services, "        cidr: ::/0\n", "        cidr: fc00::/6\n", "open.feishu.cn:443 (2001:db8::1) cannot be reached"},
		{services, "        - 169.254.0.0/16\n", "", "169.254.169.254:443 can be reached"},
		{services, "        - 10.0.0.0/8\n", "", "10.1.2.3:443 can be reached"},
		{services, "protocol: UDP", "protocol: SCTP", "DNS cannot be asked by UDP"},
		{services, "kubernetes.io/metadata.name: kube-system", "kubernetes.io/metadata.name: dns", "DNS cannot be asked by TCP"},
		{services, "    - port: 443\n      protocol: TCP\n    to:", "    - protocol: TCP\n    to:", "more than Redis, issuers and DNS can be reached"},
		{services, "kubernetes.io/metadata.name: monitoring", "kubernetes.io/metadata.name: observability", "Prometheus may not come to the status"},
		{services, "onetoken-client: \"true\"", "client: \"true\"", "clients may not come to tokens"},
		{services, "      podSelector:\n        matchLabels:\n          onetoken-client: \"true\"\n", "", "everybody may come to tokens"},
		{services, "  - from:\n    - namespaceSelector:\n        matchLabels:\n          kubernetes.io/metadata.name: monitoring\n    ports:", "  - ports:", "clients may come to the status"},
		{services, "  - Egress\n", "", "Egress is not restricted"},
		{services, "  podSelector:\n    matchLabels:\n      app.kubernetes.io/name: onetoken\n", "  podSelector:\n    matchLabels:\n      app.kubernetes.io/name: other\n", "0 NetworkPolicies are of these pods"},

		{sidecar, "        restartPolicy: Always\n", "", "restartPolicy Always is missing"},
		{sidecar, "uid: 10001", "uid: 10002", "a client has the uid 10002, and no container with the socket runs as that"},
		{sidecar, "uid: 10001", "uid: 65532", "as onetoken itself"},
		{sidecar, "        fsGroup: 65532\n", "", "has no fsGroup"},
		{sidecar, "socket: /run/onetoken/tokens.sock", "socket: /run/tokens.sock", "/run/tokens.sock is in no emptyDir"},
		{sidecar, "        - mountPath: /run/onetoken\n          name: socket\n          readOnly: true\n", "        - {name: socket, mountPath: /sockets}\n", "no other container has socket at /run/onetoken"},
		{sidecar, "        - mountPath: /run/onetoken\n          name: socket\n          readOnly: true\n", "        - {name: credentials, mountPath: /secrets, readOnly: true}\n        - {name: socket, mountPath: /run/onetoken}\n", "Secret onetoken-credentials is mounted in container app"},
		{sidecar, "terminationGracePeriodSeconds: 45", "terminationGracePeriodSeconds: 10", "it is killed before"},
	} {
		t.Run(f.complaint, func(t *testing.T) {
			require.Contains(t, built[f.folder], f.before, "nothing to plant the fault in")
			s, err := deploycheck.Read(strings.ReplaceAll(built[f.folder], f.before, f.after))
			if err != nil {
				assert.ErrorContains(t, err, f.complaint)
				return
			}
			assert.Contains(t, strings.Join(s.Complaints(), "\n"), f.complaint)
		})
	}
}

func TestReadRefuses(t *testing.T) {
	for _, c := range []struct{ edge, text, err string }{
		{"an unknown field", "apiVersion: v1\nkind: Service\nspec: {port: 1}\n", `unknown field "port"`},
		{"a key twice", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nmetadata: {name: b}\n", "already set"},
		{"a wrong type", "apiVersion: apps/v1\nkind: Deployment\nspec: {replicas: two}\n", "cannot unmarshal"},
		{"an unknown kind", "apiVersion: v1\nkind: Job\n", `v1 "Job" is not known here`},
		{"a kind of another group", "apiVersion: v1\nkind: Deployment\n", `v1 "Deployment" is not known here`},
		{"the second document", "apiVersion: v1\nkind: Namespace\n---\nkind: [", "document 2"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			_, err := deploycheck.Read(c.text)
			assert.ErrorContains(t, err, c.err)
		})
	}
	assert.Equal(t, []string{"nothing runs onetoken"}, set(t, "").Complaints())
}
