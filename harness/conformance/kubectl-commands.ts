/** Commands of kubectl, each list in order on the state that the one before has left, and their objects. */

/** With the input on stdin. */
export type Command = string | { readonly args: string; readonly input: string };

const apply = (input: string, more = ''): Command => ({ args: `apply -f - ${more}`.trim(), input });
const object = (apiVersion: string, kind: string, name: string, more: object = {}): object => ({
  apiVersion,
  kind,
  metadata: { name },
  ...more,
});
const container = (name: string, image: string) => ({ name, image });
const labelled = (app: string) => ({
  metadata: { labels: { app } },
  spec: { containers: [container('a', 'a:1')] },
});
const workload = (kind: string, name: string, more: object = {}): object =>
  object('apps/v1', kind, name, {
    spec: { selector: { matchLabels: { app: name } }, template: labelled(name), ...more },
  });
const deployment = (...containers: readonly object[]) =>
  JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers } },
    },
  });
const node = JSON.stringify(object('v1', 'Node', 'n1'));
const pod = JSON.stringify({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p1', labels: { app: 'single' } },
  spec: { nodeName: 'n1', serviceAccountName: 'default', containers: [container('a', 'a:1')] },
});
const RUNNING = '{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}';
const EXHAUSTED =
  '{"status":{"observedGeneration":1,"disruptionsAllowed":0,"currentHealthy":1,"desiredHealthy":1,"expectedPods":1}}';

const RBAC = 'rbac.authorization.k8s.io';
const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }];
const onJob = { template: { spec: { restartPolicy: 'Never', containers: [container('a', 'a:1')] } } };
const storage = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } };

/** One object of each listed kind, by kubectl's name of the kind; mostly empty, so that most of its content is the server's. */
const EACH: Readonly<Record<string, object>> = {
  'pod/each': object('v1', 'Pod', 'each', {
    spec: {
      nodeName: 'n1',
      serviceAccountName: 'default',
      automountServiceAccountToken: false,
      initContainers: [container('i', 'i')],
      containers: [
        {
          ...container('a', 'a:1'),
          ports: [{ containerPort: 80 }],
          resources: { requests: { cpu: '0.5', memory: '1024Mi' }, limits: { memory: '1.5Gi' } },
          readinessProbe: { httpGet: { port: 80 } },
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
        },
      ],
      volumes: [{ name: 'v' }, { name: 'c', configMap: { name: 'c' } }],
    },
  }),
  'deployment/each': workload('Deployment', 'each'),
  'replicaset/each': workload('ReplicaSet', 'each'),
  'daemonset/each': workload('DaemonSet', 'each'),
  'statefulset/each': workload('StatefulSet', 'each', {
    serviceName: 'each',
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: storage }],
  }),
  'replicationcontroller/each': object('v1', 'ReplicationController', 'each', {
    spec: { template: labelled('each') },
  }),
  'job/each': object('batch/v1', 'Job', 'each', { spec: onJob }),
  'cronjob/each': object('batch/v1', 'CronJob', 'each', {
    spec: { schedule: '* * * * *', jobTemplate: { spec: onJob } },
  }),
  'poddisruptionbudget/each': object('policy/v1', 'PodDisruptionBudget', 'each', {
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'each' } } },
  }),
  'service/each': object('v1', 'Service', 'each', {
    spec: { clusterIP: '10.96.0.77', selector: { app: 'each' }, ports: [{ port: 80 }] },
  }),
  'service/headless': object('v1', 'Service', 'headless', { spec: { clusterIP: 'None', selector: { app: 'each' } } }),
  'endpoints/each': object('v1', 'Endpoints', 'each', {
    subsets: [
      {
        addresses: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }],
        ports: [
          { port: 80, name: 'a' },
          { port: 81, name: 'b' },
        ],
      },
    ],
  }),
  'configmap/each': object('v1', 'ConfigMap', 'each', { data: { a: 'b' } }),
  'secret/each': object('v1', 'Secret', 'each', { stringData: { a: 'b' } }),
  'serviceaccount/each': object('v1', 'ServiceAccount', 'each'),
  'persistentvolume/each': object('v1', 'PersistentVolume', 'each', {
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
  }),
  'persistentvolumeclaim/each': object('v1', 'PersistentVolumeClaim', 'each', { spec: storage }),
  'limitrange/each': object('v1', 'LimitRange', 'each', {
    spec: { limits: [{ type: 'Container', max: { cpu: '4000m' }, min: { cpu: '1m' } }] },
  }),
  'resourcequota/each': object('v1', 'ResourceQuota', 'each', { spec: { hard: { configmaps: '1000' } } }),
  'lease/each': object('coordination.k8s.io/v1', 'Lease', 'each', { spec: { holderIdentity: 'me' } }),
  'storageclass/each': object('storage.k8s.io/v1', 'StorageClass', 'each', { provisioner: 'x.example.com' }),
  'csidriver/each': object('storage.k8s.io/v1', 'CSIDriver', 'each', { spec: {} }),
  'csinode/n1': object('storage.k8s.io/v1', 'CSINode', 'n1', {
    spec: { drivers: [{ name: 'x.example.com', nodeID: 'n1', topologyKeys: ['zone'] }] },
  }),
  'volumeattachment/each': object('storage.k8s.io/v1', 'VolumeAttachment', 'each', {
    spec: { attacher: 'x.example.com', nodeName: 'n1', source: { persistentVolumeName: 'each' } },
  }),
  'priorityclass/each': object('scheduling.k8s.io/v1', 'PriorityClass', 'each', { value: 100 }),
  'role/each': object(`${RBAC}/v1`, 'Role', 'each', { rules }),
  'rolebinding/each': object(`${RBAC}/v1`, 'RoleBinding', 'each', {
    roleRef: { kind: 'Role', name: 'each' },
    subjects: [{ kind: 'ServiceAccount', name: 'each', namespace: 'default' }],
  }),
  'clusterrole/each': object(`${RBAC}/v1`, 'ClusterRole', 'each', { rules }),
  'clusterrolebinding/each': object(`${RBAC}/v1`, 'ClusterRoleBinding', 'each', {
    roleRef: { kind: 'ClusterRole', name: 'each' },
    subjects: [{ kind: 'User', name: 'u' }],
  }),
};
const every = Object.keys(EACH);

/** By subject, in order. */
export const COMMANDS: Readonly<Record<string, readonly Command[]>> = {
  'applies by both ways': [
    apply(deployment(container('a', 'a:1'), container('b', 'b:1'))),
    apply(deployment(container('a', 'a:2'))),
    'get deploy web -o jsonpath={.spec.template.spec.containers[*].image}',
    // Fields that kubectl has applied itself belong to it, whichever kind of apply it uses next.
    apply(deployment(container('a', 'a:4')), '--server-side --field-manager kubectl'),
    'apply view-last-applied deploy/web',
    apply(deployment(container('a', 'a:2')), '--server-side'),
    'set image deploy/web a=a:3',
    apply(deployment(container('a', 'a:4')), '--server-side'),
    apply(deployment(container('a', 'a:4')), '--server-side --force-conflicts'),
    apply(deployment(container('a', 'a:5')), '--dry-run=server'),
    { args: 'diff -f -', input: deployment(container('a', 'a:5')) },
    { args: 'diff --server-side -f -', input: deployment(container('a', 'a:5')) },
    { args: 'replace -f -', input: deployment(container('a', 'a:6')) },
    'apply view-last-applied deploy/web',
    { args: 'apply -f -', input: JSON.stringify({ apiVersion: 'v1', kind: 'Foo', metadata: { name: 'x' } }) },
  ],
  'creates, scales, labels, patches and shows': [
    'create configmap c --from-literal=a=b',
    'create configmap c',
    'get configmap c -o jsonpath={.data}',
    'scale deploy web --replicas 3',
    'scale deploy web --replicas 3 --current-replicas 9',
    'get deploy web --subresource scale',
    'get deploy,cm c -o name',
    'get deploy web -o wide',
    'label deploy web x=y',
    'annotate deploy web x=y',
    'rollout restart deploy web',
    'rollout pause deploy web',
    'rollout history deploy web',
    'rollout status deploy web --timeout 1s',
    'set env deploy/web Y=2',
    'patch deploy web --type json -p [{"op":"test","path":"/spec/replicas","value":9}]',
    'patch deploy web -p {"spec":{"template":{"spec":{"containers":[{"image":"x"}]}}}}',
    'create role r --verb get --resource pods',
    'create token default --duration 10m -o jsonpath={.kind}',
    'run lone --image a --dry-run=server',
    'expose deploy web --port 80 --cluster-ip None',
    'delete svc web',
    'get pods --field-selector foo=bar',
    'get nosuch',
    'get pod nosuch',
    'auth can-i create pods',
    'auth whoami',
    'cluster-info',
    'get --raw /apis/policy/v1/namespaces/default/poddisruptionbudgets/nosuch',
  ],
  'shows, describes, explains and waits': [
    apply(node),
    apply(pod),
    `patch pod p1 --subresource status --type merge -p ${RUNNING}`,
    'get nodes',
    'get nodes -o wide',
    'get pods -o wide',
    'get pods -A',
    'get pod p1 -o jsonpath={.spec.nodeName}',
    'get pod p1 -o custom-columns=NAME:.metadata.name,ON:.spec.nodeName',
    'get pods -l app=single --show-labels',
    'get deploy,pods',
    'events --for pod/p1',
    'describe pod p1',
    'describe node n1',
    'describe pdb',
    'describe pod nosuch',
    'explain pod.spec.nosuch',
    'wait --for=condition=Ready pod/p1 --timeout 5s',
    'wait --for=condition=Ready pod -l app=none --timeout 1s',
    'wait --for=delete pod/nosuch --timeout 1s',
    'label node n1 zone=a',
    'label node n1 zone=b',
    'label node n1 zone=b --overwrite',
    'label node n1 zone-',
    'annotate node n1 note=x',
    'annotate node n1 note-',
    'top nodes',
    'delete pod p1 --wait=false --grace-period 0 --force',
    'delete pods --all',
    'delete node n1',
  ],
  'taints, cordons and drains within budgets': [
    apply(node),
    'taint node n1 drain=planned-downtime:NoSchedule',
    'taint node n1 drain=planned-downtine:NoSchedule-',
    'taint node n1 drain=planned-downtime:NoSchedule-',
    'cordon n1',
    'uncordon n1',
    apply(pod),
    `patch pod p1 --subresource status --type merge -p ${RUNNING}`,
    'create pdb b --selector app=single --min-available 1',
    `patch pdb b --subresource status --type merge -p ${EXHAUSTED}`,
    'get pdb b -o jsonpath={.status.disruptionsAllowed}',
    'drain n1 --force --timeout 1s',
    'get node n1 -o jsonpath={.spec.unschedulable}',
    'delete pdb b',
    'delete pod p1 --grace-period 0 --force',
    'drain n1',
    'delete deploy web',
    'delete cm c',
    'delete node n1',
    'wait --for=delete node/n1 --timeout 2s',
  ],
  'stores and shows one of every kind': [
    apply(node),
    { args: 'create -f -', input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: Object.values(EACH) }) },
    ...every.map((name) => `get ${name} -o yaml`),
    ...every.map((name) => `get ${name} -o wide`),
    ...every.map((name) => `describe ${name}`),
    'get ns default -o yaml',
    'get node n1 -o yaml',
    'get all',
    'get configmaps -o json',
    'delete pvc each --wait=false',
    'get pvc each',
    // Without a controller manager nothing completes a deletion.
    'delete job each --cascade=orphan --wait=false',
    'get job each -o jsonpath={.metadata.finalizers}',
  ],
};

/** Watched while `CHANGES` are made: with objects that begin and cease to match. */
export const WATCHES: readonly string[] = [
  'get cm -w -l tier=a --output-watch-events',
  'get cm -w -l tier=a -o yaml',
  'get cm -w --field-selector metadata.name=w1 -o json',
  'get pods -w -o wide --output-watch-events',
  'get pods -w --field-selector status.phase=Running --output-watch-events',
  'get nodes -w',
];
export const CHANGES: readonly Command[] = [
  apply(node),
  'create cm w1 --from-literal=a=b',
  'create cm w2 --from-literal=a=b',
  'label cm w1 tier=a',
  'label cm w1 other=x',
  'label cm w2 tier=b',
  'label cm w1 tier-',
  'label cm w1 tier=a',
  apply(pod),
  `patch pod p1 --subresource status --type merge -p ${RUNNING}`,
  'patch pod p1 --subresource status --type merge -p {"status":{"phase":"Failed"}}',
  'cordon n1',
  'delete cm w1 w2',
  'delete pod p1 --grace-period 0 --force',
  'delete node n1',
];

/** All fields below each. */
export const EXPLAINED: readonly string[] = [
  'pod',
  'pod.spec.containers.resources',
  'node',
  'deployment',
  'statefulset.spec',
  'job.status',
  'pdb',
  'lease',
  'pv.spec',
  'events.series --api-version=events.k8s.io/v1',
  'crd.spec.versions',
];
