import { describe, expect, it } from 'vitest';
import { admit, type Door, type Visit } from './access.ts';

const HOST = '127.0.0.1:40123';
const DOOR: Door = { host: HOST, token: 'the-token', session: 'the-session' };
const COOKIE = { cookie: 'other=1; maintenance-bridge-40123=the-session' };

const visit = (url: string, headers: Visit['headers'] = {}, method = 'GET'): Visit => ({
  method,
  url,
  headers: { host: HOST, ...headers },
});

describe('`admit()`', () => {
  it.each<[string, Visit, string]>([
    ['welcomes whoever shows the token', visit('/?token=the-token'), 'welcome'],
    ['takes the token at the front door only', visit('/messages?token=the-token'), 'refused'],
    ['admits the browser that was welcomed', visit('/messages', COOKIE), 'admitted'],
    ['refuses whoever has neither', visit('/'), 'refused'],
    ['refuses a wrong token', visit('/?token=the-tokem'), 'refused'],
    ['refuses an empty token', visit('/?token='), 'refused'],
    [
      'refuses the cookie of another dashboard',
      visit('/', { cookie: 'maintenance-bridge-40124=the-session' }),
      'refused',
    ],
    [
      'refuses a name that was made to resolve to this machine',
      visit('/', { ...COOKIE, host: 'evil.test:40123' }),
      'refused',
    ],
    ['refuses scripts of other origins', visit('/messages', { ...COOKIE, origin: 'http://127.0.0.1:8080' }), 'refused'],
    ['refuses scripts of a sandboxed frame', visit('/messages', { ...COOKIE, origin: 'null' }), 'refused'],
    [
      'refuses pictures and scripts in other sites',
      visit('/page.js', { ...COOKIE, 'sec-fetch-site': 'same-site' }),
      'refused',
    ],
    [
      'admits a link from elsewhere',
      visit('/', {
        ...COOKIE,
        'sec-fetch-site': 'cross-site',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
      }),
      'admitted',
    ],
    [
      'refuses a frame elsewhere',
      visit('/', {
        ...COOKIE,
        'sec-fetch-site': 'cross-site',
        'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'iframe',
      }),
      'refused',
    ],
    ['refuses what is no GET', visit('/', COOKIE, 'POST'), 'refused'],
  ])('%s', (_, asked, is) => {
    expect(admit(asked, DOOR).is).toBe(is);
  });

  it('takes the token once', () => {
    expect(admit(visit('/?token=the-token'), { ...DOOR, token: undefined })).toEqual({
      is: 'refused',
      code: 403,
      why: expect.stringContaining('has been opened before'),
    });
  });
});
