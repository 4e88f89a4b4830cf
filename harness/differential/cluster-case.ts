/** A small cluster as input of the scheduler, and the scheduler's result. Objects are in the API server's format. */

export interface RawObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: object;
  readonly status?: object;
}

/** A Pod that is on a Node already, and its state there. */
export interface BoundPod {
  readonly pod: RawObject;
  readonly isDeleting?: boolean;
  /** Merged into its status, for finished Pods and resizes. */
  readonly status?: object;
}

export interface ClusterCase {
  readonly nodes: readonly RawObject[];
  readonly csiNodes: readonly RawObject[];
  readonly volumes: readonly RawObject[];
  readonly claims: readonly RawObject[];
  readonly bound: readonly BoundPod[];
  /** Created one after another, each after the result of the one before. */
  readonly pods: readonly RawObject[];
}

/** Everything that the scheduler reads, as the server had it. */
export interface Snapshot {
  readonly nodes: readonly unknown[];
  readonly csiNodes: readonly unknown[];
  readonly volumes: readonly unknown[];
  readonly claims: readonly unknown[];
  readonly classes: readonly unknown[];
  readonly namespaces: readonly unknown[];
  /** Those that are bound to a Node. */
  readonly pods: readonly unknown[];
}

export interface Step {
  /** Before the Pod was there. */
  readonly before: Snapshot;
  /** As the server stored it, without a Node. */
  readonly pod: unknown;
  /** The Node, or the message of `PodScheduled=False`. */
  readonly answer: { readonly node: string } | { readonly message: string };
}

export type Recording = readonly Step[];

export const NAMESPACES: readonly RawObject[] = [
  { metadata: { name: 'blue', labels: { team: 'blue' } } },
  { metadata: { name: 'red', labels: { team: 'red' } } },
];

export const DRIVER = 'csi.example.com';

/** Open claims of the first class get existing volumes only; those of the second are provisioned, in two of the three zones. */
export const CLASSES: readonly (RawObject & { readonly provisioner: string; readonly volumeBindingMode: string })[] = [
  {
    metadata: { name: 'static' },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
  },
  {
    metadata: { name: 'dynamic' },
    provisioner: DRIVER,
    volumeBindingMode: 'WaitForFirstConsumer',
    ...{ allowedTopologies: [{ matchLabelExpressions: [{ key: 'topology.kubernetes.io/zone', values: ['a', 'b'] }] }] },
  },
  { metadata: { name: 'immediate' }, provisioner: DRIVER, volumeBindingMode: 'Immediate' },
];
