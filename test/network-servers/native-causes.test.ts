/** Every code by which ThingPark (DeliveryFailedCause) and Sigfox (infoCode) say what became of a downlink. */
import t from 'tap';
import { networkServerAdapters } from '../../src/network-servers/registry.js';
import { requestOfFile, runAdapter, type Outcome } from '../support/golden.js';

const body = (value: object): Buffer => Buffer.from(JSON.stringify(value), 'utf8');

const sent = (causes: Readonly<Record<string, string>>): Outcome => {
  const document = { Time: '2026-11-21T09:55:00Z', DevEUI: '0018B20000000B20', FPort: 1, FCntDn: 7, DeliveryStatus: 0, ...causes };
  return runAdapter(networkServerAdapters.thingpark, requestOfFile('.json', body({ DevEUI_downlink_Sent: document })));
};

void t.test('each DeliveryFailedCause has its words, in whichever case its hex comes', async (t) => {
  const rows: readonly (readonly [string, string])[] = [
    ['A0', 'radio stopped'],
    ['A1', 'downlink radio stopped'],
    ['A2', 'ping slot not available'],
    ['A3', 'radio busy'],
    ['A4', 'channel not free (listen before talk)'],
    ['A5', 'radio board error'],
    ['B0', 'too late'],
    ['C0', 'the LRC chose RX2'],
    ['D0', 'duty cycle limit at the gateway'],
    ['DA', 'duty cycle limit at the LRC'],
    ['DB', 'dwell time limit'],
    ['DC', 'no gateway with GPS'],
    ['DD', 'no gateway available'],
    ['DE', 'duty cycle limit of the peering network'],
    ['DF', 'NetID refused'],
    ['E0', 'class C delay of 60 s exceeded'],
  ];
  for (const [code, words] of rows) {
    for (const written of [code, code.toLowerCase()]) {
      t.match(sent({ DeliveryFailedCause1: written }), { messages: [{ fields: { state: 'failed', cause: { code, text: `RX1: ${words}` } } }] }, written);
    }
  }
});

void t.test('the number of a DeliveryFailedCause names the slot, and 00 is no cause', async (t) => {
  for (const [index, slot] of ['RX1', 'RX2', 'ping slot', 'RXR'].entries()) {
    const earlier = Object.fromEntries(Array.from({ length: index }, (_, before) => [`DeliveryFailedCause${before + 1}`, '00']));
    const outcome = sent({ ...earlier, [`DeliveryFailedCause${index + 1}`]: 'B0' });
    t.match(outcome, { messages: [{ fields: { cause: { code: 'B0', text: `${slot}: too late` } } }] }, slot);
  }
});

void t.test('each infoCode of Sigfox has its name and its state', async (t) => {
  const rows: readonly (readonly [number, string, string | undefined])[] = [
    [0, 'acknowledged', undefined],
    [1, 'failed', 'NO_ANSWER'],
    [2, 'failed', 'INVALID_PAYLOAD'],
    [3, 'failed', 'OVERRUN_ERROR'],
    [4, 'failed', 'NETWORK_ERROR'],
    [5, 'submitted', 'PENDING'],
    [6, 'failed', 'NO_DOWNLINK_CONTRACT'],
    [7, 'failed', 'TOO_MANY_REQUESTS'],
    [8, 'failed', 'INVALID_CONFIGURATION'],
  ];
  for (const [infoCode, state, code] of rows) {
    const request = requestOfFile('.json', body({ device: '1a2345', time: 1763718900, infoCode }), { path: '/service/acknowledge' });
    const outcome = runAdapter(networkServerAdapters.sigfox, request);
    const fields = 'messages' in outcome ? outcome.messages[0]?.fields : undefined;
    const read = fields?.type === 'downlink-status' ? { state: fields.state, code: fields.cause?.code } : undefined;
    t.strictSame(read, { state, code }, String(infoCode));
  }
});
