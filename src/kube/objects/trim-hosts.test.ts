import { describe, expect, it } from 'vitest';
import { trimBareMetalHost } from './trim-hosts.ts';

const metadata = { name: 'h', namespace: 'metal', uid: 'u', resourceVersion: '1' };

describe('`trimBareMetalHost()`', () => {
  it('keeps what concerns the power, and nothing else', () => {
    const annotations = {
      'reboot.metal3.io': '',
      'reboot.metal3.io/other': '{}',
      'baremetalhost.metal3.io/paused': 'x',
      'maintenance-bridge.io/metal3-power': 'u/t',
    };
    const consumerRef = { apiVersion: 'g/v1', kind: 'Metal3Machine', namespace: 'metal', name: 'm' };
    const raw = {
      metadata: {
        ...metadata,
        labels: { a: 'b' },
        finalizers: ['f'],
        annotations: {
          ...annotations,
          'baremetalhost.metal3.io/status': 'a copy of the status',
          'reboot.metal3.iox': '',
        },
      },
      spec: { online: true, bmc: { address: 'a' }, disablePowerOff: true, consumerRef: { ...consumerRef, uid: 'x' } },
      status: {
        poweredOn: false,
        operationalStatus: 'OK',
        errorType: '',
        hardware: { cpu: {} },
        provisioning: { state: 'provisioned', image: {} },
      },
    };
    expect(trimBareMetalHost(raw)).toEqual({
      metadata: { ...metadata, annotations },
      spec: { consumerRef, disablePowerOff: true },
      status: { poweredOn: false, operationalStatus: 'OK', provisioningState: 'provisioned' },
    });
  });

  it('takes a field of the wrong type for absent', () => {
    const raw = {
      metadata,
      spec: { consumerRef: 'm', disablePowerOff: 'yes' },
      status: { poweredOn: 'on', provisioning: 1 },
    };
    expect(trimBareMetalHost(raw)).toEqual({ metadata, spec: {}, status: {} });
    expect(trimBareMetalHost({ metadata: { name: 'h' } })).toBeUndefined();
  });
});
