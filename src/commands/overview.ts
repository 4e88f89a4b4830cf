/** The state of everything that is or could be in maintenance, as far as the management cluster shows it. */
import { type Shown, shownBy } from '../app/features.ts';
import type { Explainer, ReadKind } from '../core/explained.ts';
import type { Explanation } from '../core/explanation.ts';
import { MACHINE } from '../core/machine-objects.ts';
import { keyOf } from '../core/meta.ts';
import type { KubeObject } from '../core/objects.ts';
import type { Source } from '../core/ports.ts';
import type { Resource } from '../core/resources.ts';
import { discover } from '../kube/cache/discovery.ts';
import type { ApiClient } from '../kube/http/api.ts';
import { type Trim, trimMeta, trimOf } from '../kube/objects/trim.ts';
import { metaOf } from '../kube/objects/trim-meta.ts';
import { trimDatedMachine } from './dated-machine.ts';
import type { Settings } from './settings.ts';
import { View } from './view.ts';

export interface Scope {
  /** The namespaces in which namespaced kinds are read; empty means all. */
  readonly namespaces: readonly string[];
  readonly labelSelector?: string | undefined;
  /** The kind that is shown. @default all */
  readonly kind?: string;
}

/** The operations of a view that do not depend on its kind. */
type AnyView = Pick<View<KubeObject>, 'look' | 'follow' | 'onChange' | 'all' | 'isUnseen'>;

/** One kind that is shown. */
interface Part {
  readonly objects: View<KubeObject>;
  /** The other kinds that an explanation is based on. */
  readonly others: readonly View<KubeObject>[];
  readonly explainer: Explainer<KubeObject>;
  /** The keys of the objects that match the label selector; absent if there is none. */
  readonly chosen: View<KubeObject> | undefined;
}

export class Overview {
  readonly #views = new Map<Resource<unknown>, View<KubeObject>>();
  readonly #parts: readonly Part[];
  /** Explanations that depend on the object alone: few of thousands change at a time. */
  readonly #explained = new WeakMap<KubeObject, Explanation>();

  private constructor(kinds: readonly Shown[], served: Served, { namespaces, labelSelector }: Scope) {
    const within = ({ namespaced }: Resource<unknown>): readonly string[] => (namespaced ? namespaces : []);
    for (const { resource, found, kind } of served.values()) {
      this.#views.set(resource, new View({ resource: found, namespaces: within(resource), trim: trimFor(kind) }));
    }
    this.#parts = kinds.map(({ resource, by, explainer }) => ({
      objects: this.#view(resource),
      others: by.map((other) => this.#view(other.resource)),
      // Each view holds objects of its resource's type.
      explainer: explainer(<T extends KubeObject>(of: Resource<T>) => this.#view(of).source as unknown as Source<T>),
      // A separate list of metadata alone: an object may be explained by others that the selector does not match.
      chosen:
        labelSelector === undefined
          ? undefined
          : new View({
              resource: served.get(resource)?.found,
              namespaces: within(resource),
              trim: trimMeta,
              labelSelector,
              metadataOnly: true,
            }),
    }));
  }

  /**
   * Finds out which kinds the cluster serves; no objects are read yet.
   *
   * @throws KubeError if the server does not answer.
   */
  static async prepare(client: ApiClient, scope: Scope, settings: Settings, signal: AbortSignal): Promise<Overview> {
    const kinds = shownBy(settings).filter(({ resource }) => scope.kind === undefined || resource.kind === scope.kind);
    const read = new Map(
      kinds.flatMap((kind) => [kind, ...kind.by]).map((kind) => [kind.resource as Resource<unknown>, kind]),
    );
    const served = [...read].map(async ([resource, kind]) => {
      const found = await serve(client, kind, signal);
      return [resource, { resource, found, kind }] as const;
    });
    return new Overview(kinds, new Map(await Promise.all(served)), scope);
  }

  /** Reads everything once. @returns what could not be read and why, one line each; these kinds are left out. */
  async look(client: ApiClient, signal: AbortSignal): Promise<readonly string[]> {
    const faults = await Promise.all(this.views.map((view) => view.look(client, signal)));
    return [...new Set(faults.flat())];
  }

  /** All views, for reading or watching. */
  get views(): readonly AnyView[] {
    return [...this.#views.values(), ...this.#parts.flatMap(({ chosen }) => chosen ?? [])];
  }

  /** Whether nothing is left out for lack of knowledge. */
  isComplete(): boolean {
    return this.views.every((view) => view.all().is === 'known');
  }

  /**
   * Explains every known object of each kind. A kind is left out while another kind that its explanations need is still being read; if the
   * other kind may not be read, the explanation names it.
   */
  explanations(nowMs: number): readonly Explanation[] {
    return this.#parts.flatMap((part) => this.#explain(part, nowMs));
  }

  #explain({ objects, others, explainer, chosen }: Part, nowMs: number): readonly Explanation[] {
    if (others.some((view) => view.all().is === 'unknown' && !view.isUnseen())) return [];
    const shown = shownOf(objects, chosen);
    if (others.length > 0) return shown.map((object) => explainer.explain(object, nowMs));
    return shown.map((object) => {
      const known = this.#explained.get(object) ?? explainer.explain(object, nowMs);
      this.#explained.set(object, known);
      return known;
    });
  }

  #view(resource: Resource<unknown>): View<KubeObject> {
    const view = this.#views.get(resource);
    if (view === undefined) throw new RangeError(`${resource.plural} are not among the kinds that are read`);
    return view;
  }
}

function shownOf(view: View<KubeObject>, chosen: View<KubeObject> | undefined): readonly KubeObject[] {
  const all = view.all();
  if (all.is === 'unknown') return [];
  if (chosen === undefined) return all.value;
  return all.value.filter((object) => chosen.source.get(keyOf(object)).is === 'present');
}

/** The trim of a kind. */
export function trimFor({ resource, trim }: Pick<ReadKind, 'resource' | 'trim'>): Trim<KubeObject> {
  if (trim !== undefined) return (raw) => trim(raw, metaOf);
  return resource === MACHINE ? trimDatedMachine : trimOf(resource);
}

/** Each kind, and as `found` its resource in the best version that the cluster serves; undefined if it serves none. */
type Served = ReadonlyMap<
  Resource<unknown>,
  { readonly resource: Resource<unknown>; readonly kind: ReadKind; readonly found: Resource<KubeObject> | undefined }
>;

/** @returns the kind in the best version that the cluster serves; undefined if it serves none. */
export async function serve(
  client: ApiClient,
  { resource, versions }: ReadKind,
  signal: AbortSignal,
): Promise<Resource<KubeObject> | undefined> {
  if (versions === undefined) return resource;
  const found = await discover(client, resource, versions, signal);
  return found.is === 'served' ? { ...resource, version: found.version } : undefined;
}
