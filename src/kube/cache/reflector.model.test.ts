import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FAULTS, FaultyApi, type Happening } from '../../../harness/doubles/faulty-api.ts';
import { recordingLog } from '../../../harness/doubles/recording-log.ts';
import { NAMESPACE, type Namespace } from '../../core/objects.ts';
import { Informer } from './informer.ts';
import { Reflector } from './reflector.ts';

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ put: name }) },
  { weight: 2, arbitrary: fc.record({ remove: name }) },
  { weight: 1, arbitrary: fc.record({ renew: name }) },
  { weight: 4, arbitrary: fc.record({ fault: fc.constantFrom(...FAULTS) }) },
  { weight: 6, arbitrary: fc.constant('serve' as const) },
  { weight: 1, arbitrary: fc.constant('bookmark' as const) },
  { weight: 2, arbitrary: fc.constant('compact' as const) },
);

it('`Reflector` and `Informer` end up with the content of the server, and tell of each change on the way, whatever breaks', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 80, size: 'max' }), async (plan) => {
      const api = new FaultyApi(plan);
      // A failed expectation within a handler shows up here, since the informer catches every error.
      const broken: unknown[] = [];
      const informer = new Informer<Namespace>({
        log: recordingLog(),
        freeze: true,
        onHandlerError: (error) => broken.push(error),
      });
      const told = new Map<string, Namespace>();
      informer.addHandler({
        onAdd: (now) => {
          expect(told.has(now.metadata.name)).toBe(false);
          told.set(now.metadata.name, now);
        },
        onUpdate: (old, now) => {
          expect(told.get(now.metadata.name)).toBe(old);
          expect(now.metadata.uid).toBe(old.metadata.uid);
          // Versions are numbers in this model only.
          expect(Number(now.metadata.resourceVersion)).toBeGreaterThan(Number(old.metadata.resourceVersion));
          told.set(now.metadata.name, now);
        },
        onDelete: ({ metadata }) => {
          expect(told.get(metadata.name)?.metadata.uid).toBe(metadata.uid);
          told.delete(metadata.name);
        },
      });
      const stop = new AbortController();
      const reflector = new Reflector({
        client: api,
        resource: NAMESPACE,
        clock: api.clock,
        sleep: api.sleep,
        log: recordingLog(),
      });
      const run = reflector.run(informer, stop.signal).catch((error: unknown) => broken.push(error));
      await Promise.race([api.settled, run]);
      stop.abort();
      await run;

      expect(broken).toEqual([]);
      const versions = (objects: readonly Namespace[]) =>
        new Map(objects.map(({ metadata }) => [metadata.name, metadata.resourceVersion]));
      const known = informer.list();
      expect(known.is).toBe('known');
      expect(versions(known.is === 'known' ? known.value : [])).toEqual(api.content());
      expect(versions([...told.values()])).toEqual(api.content());
    }),
    { numRuns: 1000 },
  );
});
