/** An admission policy checks every write that the chart allows, and includes the keys of the settings. */
import { expect, it } from 'vitest';
import { type Manifest, NAMESPACE, ofKind, optionsIn, render } from '../../harness/chart.ts';
import { describeWithTools } from '../../harness/tools/suite.ts';
import { CHART_TOOLS } from '../../harness/tools/tools.ts';
import { MESSAGE_SUFFIX } from '../../src/tmm/names.ts';
import { allowedKeys, policiesIn } from './policies.ts';

const OPERATIONS: Readonly<Record<string, string>> = {
  create: 'CREATE',
  update: 'UPDATE',
  patch: 'UPDATE',
  delete: 'DELETE',
};
/** Writes that cannot be misused: an eviction respects budgets, a Lease and an Event have no other effect. */
const HARMLESS = ['CREATE pods/eviction', 'CREATE events', 'CREATE leases', 'UPDATE leases'];

const BOOLEANS = [false, true];
const CASES = BOOLEANS.flatMap((tmm) =>
  BOOLEANS.flatMap((clusterApi) =>
    BOOLEANS.flatMap((metal3) => BOOLEANS.map((all) => ({ tmm, clusterApi, metal3, all }))),
  ),
).filter(({ tmm, clusterApi, metal3 }) => tmm || clusterApi || metal3);

/** `UPDATE pods` and the like, for each resource that the roles allow to change. */
function grantedWrites(manifests: readonly Manifest[]): readonly string[] {
  const roles = [...ofKind(manifests, 'ClusterRole'), ...ofKind(manifests, 'Role')];
  const rules = roles.flatMap(({ rules }) => rules as readonly { resources: string[]; verbs: string[] }[]);
  return rules.flatMap(({ resources, verbs }) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) => (OPERATIONS[verb] === undefined ? [] : `${OPERATIONS[verb]} ${resource}`)),
    ),
  );
}

function judgedWrites(manifests: readonly Manifest[]): readonly string[] {
  return policiesIn(manifests).flatMap(({ spec }) => {
    const [{ resources, operations }] = spec.matchConstraints.resourceRules;
    return resources.flatMap((resource) => operations.map((operation) => `${operation} ${resource}`));
  });
}

describeWithTools('admission policies', [CHART_TOOLS], (get) => {
  const rendered = (values: object): Promise<readonly Manifest[]> =>
    render(get().helm, { values: { admissionPolicy: { enabled: true }, ...values } });

  it('are left out by default', async () => {
    const manifests = await render(get().helm);
    expect(manifests.filter(({ apiVersion }) => apiVersion.startsWith('admissionregistration'))).toEqual([]);
  });

  it.each(CASES)(
    'judge each write that is granted with tmm $tmm, clusterApi $clusterApi, metal3 $metal3, everything of tmm $all',
    async ({ tmm, clusterApi, metal3, all }) => {
      const manifests = await rendered({
        features: { tmm: { enabled: tmm }, clusterApi: { enabled: clusterApi }, metal3: { enabled: metal3 } },
        config: all ? { tmm: { cordon: 'always', unmanagedPods: 'recreate' } } : {},
      });
      const judged = new Set(judgedWrites(manifests).map((write) => write.replace('/*', '')));
      const granted = new Set(grantedWrites(manifests).filter((write) => !HARMLESS.includes(write)));
      expect(judged).toEqual(new Set([...granted].map((write) => write.replace('/status', ''))));
    },
  );

  it('judge our own ServiceAccount only, and are bound with the actions of the values', async () => {
    const manifests = await rendered({
      admissionPolicy: { enabled: true, validationActions: ['Audit', 'Warn'] },
      namespaceOverride: 'elsewhere',
      serviceAccount: { name: 'mine' },
      features: { metal3: { enabled: true } },
      config: { tmm: { unmanagedPods: 'recreate' } },
    });
    const policies = policiesIn(manifests);
    expect(policies.map(({ metadata }) => metadata.name).sort()).toEqual(
      ['baremetalhosts', 'clusters', 'machines', 'nodes', 'pods', 'restored-pods', 'stored-pods'].map(
        (suffix) => `maintenance-bridge-${suffix}`,
      ),
    );
    for (const { spec } of policies) {
      expect(spec.failurePolicy).toBe('Fail');
      expect(spec.matchConditions.map(({ expression }) => expression)).toEqual([
        'request.userInfo.username == "system:serviceaccount:elsewhere:mine"',
      ]);
    }
    const bindings = ofKind(manifests, 'ValidatingAdmissionPolicyBinding');
    expect(bindings.map(({ metadata, spec }) => [metadata.name, spec])).toEqual(
      policies.map(({ metadata: { name } }) => [name, { policyName: name, validationActions: ['Audit', 'Warn'] }]),
    );
  });

  it('keep Secrets to our own namespace', async () => {
    const manifests = await rendered({ config: { tmm: { unmanagedPods: 'recreate' } } });
    const stored = policiesIn(manifests).find(({ metadata }) => metadata.name.endsWith('-stored-pods'));
    expect(JSON.stringify(stored?.spec)).toContain(`request.namespace == \\"${NAMESPACE}\\"`);
  });

  it.each([
    { tmm: {} },
    { tmm: { rejectionAnnotation: 'example.com/failure' } },
    { tmm: { presets: ['vmware', 'dell'] } },
    { tmm: { taints: [{ key: 'a', value: 'b', effect: 'NoExecute', rejectionAnnotation: 'example.com/other' }] } },
  ])('let rejections pass under the keys of $tmm', async ({ tmm }) => {
    const manifests = await rendered({ config: { tmm } });
    const { rejectionAnnotation, taints } = optionsIn(manifests).tmm.settings;
    const keys = new Set([rejectionAnnotation, ...taints.flatMap((taint) => taint.rejectionAnnotation ?? [])]);
    const pods = policiesIn(manifests).filter(({ metadata }) => metadata.name === 'maintenance-bridge-pods');
    const [, ...found] = allowedKeys(pods);
    expect(found.sort()).toEqual([...keys].flatMap((key) => [key, key + MESSAGE_SUFFIX]).sort());
  });
});
