import { describe, expect, it } from 'vitest';
import { trimJob } from './trim-jobs.ts';

const metadata = { name: 'sum', namespace: 'shop', uid: 'u', resourceVersion: '1' };

describe('`trimJob()`', () => {
  it('keeps what the Job makes of Pods that fail', () => {
    const raw = {
      metadata,
      spec: {
        suspend: false,
        backoffLimit: 3,
        backoffLimitPerIndex: 1,
        template: { spec: {} },
        podFailurePolicy: {
          rules: [
            { action: 'FailJob', onExitCodes: { containerName: 'main', operator: 'In', values: [1, 'x', 2] } },
            { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }, {}] },
            {},
          ],
        },
      },
      status: {
        failed: 2,
        uncountedTerminatedPods: { failed: ['a'] },
        conditions: [{ type: 'Failed', status: 'False' }],
      },
    };
    expect(trimJob(raw)).toEqual({
      metadata,
      spec: {
        suspend: false,
        backoffLimit: 3,
        backoffLimitPerIndex: 1,
        failureRules: [
          { action: 'FailJob', onExitCodes: { operator: 'In', values: [1, 2] } },
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
        ],
      },
      status: { failed: 2, uncountedFailed: ['a'] },
    });
  });

  it.each(['Complete', 'Failed', 'FailureTarget', 'SuccessCriteriaMet'])(
    'keeps nothing but that it is over: %s',
    (type) => {
      const raw = {
        metadata,
        spec: { backoffLimit: 3 },
        status: { failed: 1, conditions: [{ type, status: 'True' }] },
      };
      expect(trimJob(raw)).toEqual({ metadata, spec: { replicas: 0 }, status: { isFinished: true } });
    },
  );

  it.each([
    { metadata },
    { metadata, spec: 7, status: [] },
    { metadata, spec: { podFailurePolicy: 'no' }, status: null },
  ])('takes what is malformed for absent: %j', (raw) => {
    expect(trimJob(raw)).toEqual({ metadata, spec: {}, status: {} });
  });
});
