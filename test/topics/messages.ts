import type { Message, Stamp, UplinkFields } from '../../src/messages/message.js';

const common = {
  id: '9f2c4e0000000000000000000000abcd',
  deviceId: '78af580300000345',
  devEui: '78af580300000345',
  networkServer: { id: 'factory', kind: 'chirpstack' },
  receivedAt: '2026-11-21T09:55:00.201Z',
  device: { name: 'hall 3/north', application: 'climate', tags: { site: 'Paris', empty: '', 'a.b': 'dotted' } },
} as const;

export const uplink: Stamp & UplinkFields = { ...common, type: 'uplink', fPort: 1, fCnt: 42, payload: '00ff10', native: { CustomerData: { tags: ['blue', 'green'], doms: [{ n: 'city', g: 'Lyon' }] }, Late: false, n: 0 } };
export const join: Message = { ...common, type: 'join' };
export const bare: Stamp & UplinkFields = { id: common.id, type: 'uplink', deviceId: '4d1a2b', networkServer: { id: 'sfx', kind: 'sigfox' }, receivedAt: common.receivedAt, payload: '01' };

/** The uplink with another device name. */
export const named = (name: string): Message => ({ ...uplink, device: { name } });
