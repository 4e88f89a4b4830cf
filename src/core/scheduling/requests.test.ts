import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ContainerDemand, heldBy, type PodDemand, requestsOf } from './requests.ts';

const cpu = (millis: number, more: Partial<ContainerDemand> = {}): ContainerDemand => ({
  requests: { cpu: `${millis}m` },
  ...more,
});
const sidecar = (millis: number): ContainerDemand => cpu(millis, { isSidecar: true });

const CASES: readonly { readonly name: string; readonly pod: Partial<PodDemand>; readonly cpu: number | undefined }[] =
  [
    { name: 'nothing for containers without requests', pod: { containers: [{}] }, cpu: undefined },
    { name: 'the sum of containers', pod: { containers: [cpu(100), cpu(200)] }, cpu: 300 },
    {
      name: 'an init container that is larger than their sum',
      pod: { containers: [cpu(100)], initContainers: [cpu(500)] },
      cpu: 500,
    },
    { name: 'the largest init container, not their sum', pod: { initContainers: [cpu(500), cpu(400)] }, cpu: 500 },
    { name: 'sidecars beside containers', pod: { containers: [cpu(100)], initContainers: [sidecar(300)] }, cpu: 400 },
    {
      name: 'an init container beside the sidecars before it',
      pod: { containers: [cpu(100)], initContainers: [sidecar(300), cpu(500)] },
      cpu: 800,
    },
    {
      name: 'an init container without the sidecars after it',
      pod: { containers: [cpu(100)], initContainers: [cpu(500), sidecar(300)] },
      cpu: 500,
    },
    { name: 'overhead on top', pod: { containers: [cpu(100)], overhead: { cpu: '50m' } }, cpu: 150 },
    {
      name: 'the Pod’s own request in place of its containers’, overhead still on top',
      pod: { containers: [cpu(100), cpu(900)], podLevel: cpu(300), overhead: { cpu: '50m' } },
      cpu: 350,
    },
    {
      name: 'sums exactly, and rounds up once',
      pod: { containers: [{ requests: { cpu: '100u' } }, { requests: { cpu: '100u' } }] },
      cpu: 1,
    },
  ];

describe('requestsOf()', () => {
  it.each(CASES)('counts $name', ({ pod, cpu }) => {
    expect(requestsOf({ containers: [], initContainers: [], ...pod }).cpu).toBe(cpu);
  });

  it('takes each resource for itself', () => {
    const containers = [{ requests: { cpu: '1', memory: '1Ki' } }];
    const initContainers = [{ requests: { cpu: '500m', memory: '2Ki', 'example.com/gpu': '1' } }];
    expect(requestsOf({ containers, initContainers })).toEqual({ cpu: 1000, memory: 2048, 'example.com/gpu': 1 });
  });

  it('leaves Pod-level requests aside for resources that know none', () => {
    const podLevel = { requests: { 'example.com/gpu': '5', 'hugepages-2Mi': '2Mi' } };
    const containers = [{ requests: { 'example.com/gpu': '1' } }];
    expect(requestsOf({ containers, initContainers: [], podLevel })).toEqual({
      'example.com/gpu': 1,
      'hugepages-2Mi': 2 * 1024 ** 2,
    });
  });

  it('never gives less than any container asks for, nor more than all together', () => {
    const demand = fc.array(fc.tuple(fc.nat(1000), fc.boolean()), { maxLength: 5 });
    fc.assert(
      fc.property(demand, demand, (regular, initial) => {
        const containers = regular.map(([millis]) => cpu(millis));
        const initContainers = initial.map(([millis, isSidecar]) => cpu(millis, { isSidecar }));
        const all = [...regular, ...initial].map(([millis]) => millis);
        const found = requestsOf({ containers, initContainers }).cpu ?? 0;
        expect(found).toBeGreaterThanOrEqual(Math.max(0, ...all));
        expect(found).toBeLessThanOrEqual(all.reduce((sum, millis) => sum + millis, 0));
      }),
    );
  });
});

describe('heldBy()', () => {
  const resized = (isResizeInfeasible: boolean): PodDemand => ({
    containers: [cpu(300, { status: { actuated: { cpu: '100m' }, allocated: { cpu: '200m' } } })],
    initContainers: [],
    isResizeInfeasible,
  });

  it('is what is asked for while the kubelet reports nothing', () => {
    expect(heldBy({ containers: [cpu(100)], initContainers: [] })).toEqual({ cpu: 100 });
  });

  it('is the most of what is wanted, allocated and in effect', () => {
    expect(heldBy(resized(false))).toEqual({ cpu: 300 });
  });

  it('leaves out what is wanted where the kubelet has refused it', () => {
    expect(heldBy(resized(true))).toEqual({ cpu: 200 });
  });
});
