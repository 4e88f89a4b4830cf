import { beforeEach, describe, expect, it } from 'vitest';
import { machine } from '../../harness/builders/machines.ts';
import { keyOf } from '../core/meta.ts';
import { ClusterReferences } from './cluster-references.ts';

let existing: Set<string>;
/** The sets of clusters that were requested, one after another. */
let wanted: string[][];
let references: ClusterReferences;
beforeEach(() => {
  existing = new Set();
  wanted = [];
  const clusters = { want: (set: ReadonlySet<string>) => void wanted.push([...set].sort()) };
  references = new ClusterReferences(clusters, (cluster) => existing.has(cluster));
});

function engage(name: string): string {
  const object = machine(name);
  references.engage(keyOf(object), object);
  return `${object.metadata.namespace}/${object.spec.clusterName}`;
}

describe('`ClusterReferences`', () => {
  it('wants no connection where there is no Cluster object, and one as soon as there is', () => {
    const cluster = engage('m1');
    expect(wanted.at(-1)).toEqual([]);
    existing.add(cluster);
    references.clusterChanged(cluster);
    expect(wanted.at(-1)).toEqual([cluster]);
    existing.clear();
    references.clusterChanged(cluster);
    expect(wanted.at(-1)).toEqual([]);
  });

  it('is not troubled by Clusters that no Machine needs', () => {
    existing.add('metal/other');
    references.clusterChanged('metal/other');
    expect(wanted).toEqual([]);
  });

  it('wants nothing for thousands of invented names', () => {
    for (let i = 0; i < 3000; i += 1) {
      const object = machine(`m${i}`, { cluster: `invented-${i}` });
      references.engage(keyOf(object), object);
    }
    expect(wanted.flat()).toEqual([]);
  });
});
