/** Parts of random objects. */
import fc from 'fast-check';

export interface Kind {
  readonly plural: string;
  /** `/api/v1` or `/apis/GROUP/VERSION` */
  readonly root: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
  readonly hasStatus: boolean;
  readonly isCustom?: boolean;
  /** The fields beside metadata. */
  readonly body: fc.Arbitrary<object>;
  /** The content of a merge patch besides metadata. */
  readonly patch: fc.Arbitrary<object>;
  readonly status: fc.Arbitrary<object>;
}

export const { constant: just, constantFrom: oneOf, record } = fc;
export const sparse = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
  record(fields, { requiredKeys: [] });

/** Mostly valid values: a request with many faults only shows which of them is found first. */
export const mostly = <T>(right: readonly T[], ...wrong: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 14, arbitrary: oneOf(...right) }, { weight: 1, arbitrary: oneOf(...wrong) });

export const text = oneOf('x', 'y', '', 'two words');
const container = sparse({
  name: mostly(['app', 'side'], 'Bad_', ''),
  image: mostly(['app:1', 'app:2'], ''),
  env: fc.array(sparse({ name: mostly(['A', 'B'], '1=', ''), value: text }), { maxLength: 2 }),
  ports: fc.array(
    sparse({
      containerPort: mostly([80, 443], 0, 70000),
      name: mostly(['http'], 'Bad_'),
      protocol: mostly(['TCP', 'UDP'], 'ODD'),
    }),
    { maxLength: 2 },
  ),
  resources: sparse({
    requests: sparse({
      cpu: mostly(['1', '100m', '0.5', '1000m', '1500m'], '-1', 'much'),
      memory: oneOf('1Gi', '64Mi', '1024Mi', '1e3', '1.5Gi'),
    }),
    limits: sparse({ cpu: oneOf('2', '3000m'), memory: oneOf('2Gi', '2048Mi') }),
  }),
  imagePullPolicy: mostly(['Always', 'Never'], 'Sometimes'),
});
const good = just({ name: 'app', image: 'app:1' });
const toleration = sparse({
  key: mostly(['drain'], 'bad key'),
  operator: mostly(['Exists', 'Equal'], 'Is'),
  value: oneOf('x', ''),
  effect: mostly(['NoSchedule', 'NoExecute'], 'Never'),
  tolerationSeconds: oneOf(5),
});
export const podSpec = sparse({
  containers: fc.oneof(
    { weight: 4, arbitrary: just([{ name: 'app', image: 'app:1' }]) },
    { weight: 1, arbitrary: fc.array(fc.oneof(good, container), { maxLength: 2 }) },
  ),
  nodeName: oneOf('$ns-a', 'nowhere'),
  restartPolicy: mostly(['Always', 'Never'], 'Sometimes'),
  terminationGracePeriodSeconds: mostly([0, 1, 30], -1),
  nodeSelector: sparse({ disk: mostly(['ssd'], 'bad value') }),
  tolerations: fc.array(toleration, { maxLength: 1 }),
  priorityClassName: mostly(['system-node-critical'], 'nosuch'),
  schedulingGates: just([{ name: 'example.com/gate' }]),
}).map((spec) => ({ containers: [{ name: 'app', image: 'app:1' }], serviceAccountName: 'default', ...spec }));
export const selector = fc.oneof(
  { weight: 4, arbitrary: just({ matchLabels: { app: 'a' } }) },
  {
    weight: 1,
    arbitrary: oneOf({}, { matchLabels: { 'bad key': 'x' } }, { matchExpressions: [{ key: 'app', operator: 'In' }] }),
  },
);
export const amount = mostly([0, 1, 2, '50%'] as (string | number)[], -1, 'half');

export const none = just({});
