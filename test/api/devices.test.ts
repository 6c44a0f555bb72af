import t from 'tap';
import { exampleDevice, fill, openApi } from './support/open-api.js';
import { until } from '../support/until.js';

type Listed = { readonly devices: readonly { readonly id: string }[]; readonly next?: string };

void t.test('a device is shown as it was last heard, with its thing', async (t) => {
  const api = await openApi(t);
  await fill(api);
  const shown = {
    id: exampleDevice,
    networkServer: 'factory',
    connections: ['main'],
    lastSeenAt: '2023-11-14T22:13:20.000Z',
    fCnt: 42,
    things: [{ connection: 'main', name: '70B3D5E75E00A1B2', state: 'ready', since: '2023-11-14T22:13:20.000Z' }],
  };
  t.strictSame(await api.get('/devices'), { devices: [shown] });
  t.strictSame(await api.get(`/devices/${exampleDevice}`), { ...shown, pendingDownlinks: [] });
});

void t.test('devices are listed by filter and a page at a time, each once', async (t) => {
  const api = await openApi(t);
  const all = Array.from({ length: 25 }, (_, index) => (index + 1).toString(16).padStart(16, '0'));
  for (const [index, deviceId] of all.entries()) {
    api.store.devices.heard({ deviceId, networkServerId: index % 2 === 0 ? 'factory' : 'farm', connectionIds: index < 5 ? ['main', 'second'] : ['main'], address: {} });
  }
  await until('all devices are remembered', async () => ((await api.get('/devices')) as unknown as Listed).devices.length === all.length);

  const seen: string[] = [];
  let after: string | undefined;
  do {
    const page = (await api.get(`/devices?limit=10${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`)) as unknown as Listed;
    seen.push(...page.devices.map(({ id }) => id));
    after = page.next;
  } while (after !== undefined);
  t.same([...seen].sort(), all);

  const count = async (filter: string): Promise<number> => ((await api.get(`/devices?${filter}`)) as unknown as Listed).devices.length;
  t.equal(await count('networkServer=farm'), 12);
  t.equal(await count('connection=second'), 5);
  t.equal(await count('connection=second&networkServer=farm'), 2);
  t.equal(await count('connection=nowhere'), 0);
});
