import { describe, expect, it } from 'vitest';
import { formatBindAddress, parseBindAddress } from './address.ts';

describe('addresses to listen on', () => {
  it.each([
    ['0', { is: 'off' }],
    [':8080', { is: 'on', port: 8080 }],
    [':0', { is: 'on', port: 0 }],
    ['127.0.0.1:8080', { is: 'on', host: '127.0.0.1', port: 8080 }],
    ['localhost:8080', { is: 'on', host: 'localhost', port: 8080 }],
    ['[::1]:8080', { is: 'on', host: '::1', port: 8080 }],
  ])('`parseBindAddress()` reads %s, and `formatBindAddress()` writes it again', (text, address) => {
    const parsed = parseBindAddress(text);
    expect(parsed).toEqual(address);
    if (parsed?.is === 'on') expect(formatBindAddress(parsed)).toBe(text);
  });

  it.each(['', '8080', ':', ':65536', '::1:8080', '[::1]', 'a b:1', 'http://a:1', ':-1'])(
    '`parseBindAddress()` refuses "%s"',
    (text) => {
      expect(parseBindAddress(text)).toBeUndefined();
    },
  );
});
