import { createHash } from 'node:crypto';
import { BridgeError, fieldError } from '../../errors.js';
import type { Downlink, SubmitOutcome } from '../../messages/downlink.js';
import type { DownlinkClient, DownlinkSettings, DownlinkSigning } from '../downlink-client.js';
import { apiUrl, below, checkDevEui, checkLorawan, requireBytes, unsupported } from '../downlink-check.js';
import { booleanField, integerField, rootFields } from '../fields.js';
import { createHttpClient, type HttpAnswer } from '../http-exchange.js';
import { never, outcomeOf, plainCause, plainText, refusalOf, unauthorised, withoutThrowing } from '../submit-outcome.js';

type Parameter = readonly [name: string, value: string | number | undefined];

/** The LRC keeps a CorrelationID of 64 bits and gives it back in `DevEUI_downlink_Sent`, in upper case. */
const correlationId = (downlink: Downlink): string => downlink.id.slice(0, 16).toUpperCase();

/**
 * Parameters of the caller that the LRC knows beside its own: frame counters of an application server that encrypts by itself.
 * @throws invalid_field
 */
const callerParameters = ({ options = {} }: Downlink): Parameter[] => {
  const named = rootFields(options);
  const retry = booleanField(named, 'RetryIneligibleGateways');
  return [
    ['FCntDn', integerField(named, 'FCntDn', 0, 0xffff_ffff)],
    ['AFCntDn', integerField(named, 'AFCntDn', 0, 0xffff_ffff)],
    ['RetryIneligibleGateways', retry === undefined ? undefined : Number(retry)],
  ];
};

const parametersOf = (downlink: Downlink, { asId, asKey }: DownlinkSettings, now: number): Parameter[] => [
  ['DevEUI', downlink.deviceId.toUpperCase()],
  ['FPort', downlink.fPort],
  ['Payload', downlink.payload],
  ...callerParameters(downlink),
  ['Confirmed', downlink.confirmed ? 1 : undefined],
  ['FlushDownlinkQueue', downlink.flush ? 1 : undefined],
  ['ValidityTime', new Date(downlink.validUntil).toISOString()],
  ['AS_ID', asId],
  ['Time', asKey === undefined ? undefined : new Date(now).toISOString()],
  ['CorrelationID', correlationId(downlink)],
];

/** SHA-256, in hex, of the query as it is before percent-encoding, and the key as it was given. */
export const downlinkToken = (plainQuery: string, asKey: string): string => createHash('sha256').update(plainQuery + asKey, 'utf8').digest('hex');

/** The query of the LRC's downlink API; with a key its last parameter is the Token over all the others, in their order. */
export const downlinkQuery = (downlink: Downlink, settings: DownlinkSettings, now = Date.now()): string => {
  const given = parametersOf(downlink, settings, now).filter(([, value]) => value !== undefined);
  const query = (encode: (text: string) => string): string => given.map(([name, value]) => `${name}=${encode(String(value))}`).join('&');
  const token = settings.asKey === undefined ? '' : `&Token=${downlinkToken(query((text) => text), settings.asKey)}`;
  return query(encodeURIComponent) + token;
};

/** Words of an answer about the AS_ID, its Token or its Time; `ValidityTime` is about the downlink. */
const aboutProof = /\b(token|as_?id|authenti\w*|unauthori[sz]\w*|not authori[sz]ed|time)\b/i;

/** The LRC answers 200 with a sentence in HTML, whether it took the downlink or not. */
const readAnswer = (answer: HttpAnswer, secrets: readonly string[]): SubmitOutcome => {
  if (answer.status >= 300) return refusalOf(answer, plainCause(answer, secrets));
  const text = plainText(answer.body, secrets);
  if (answer.status === 200 && /request queued by lrc/i.test(text)) return { kind: 'accepted', ids: [] };
  const cause = { code: String(answer.status), text: text === '' ? 'the answer is empty, not "Request queued by LRC"' : text };
  return aboutProof.test(text) ? unauthorised(cause) : never('network_server_refused', cause);
};

/** A host alone stands for the path that the LRC has on every platform. */
const lrcUrl = (text: string): URL => {
  const url = apiUrl(text);
  return url.pathname === '/' ? below(url, '/thingpark/lrc/rest/downlink') : url;
};

/**
 * ThingPark's LRC downlink API (thingpark-integrations, 1_tpNS-AS). Whether the device acknowledged is never reported there, so
 * `sent` is the last state.
 * @throws config_invalid for a wrong address, or only one of AS_ID and key
 */
export const createThingparkDownlinks = (settings: DownlinkSettings): DownlinkClient => {
  const { url, asId, asKey } = settings;
  if ((asId === undefined) !== (asKey === undefined)) throw new BridgeError('config_invalid', { field: 'downlink.asKey', detail: 'asId and asKey belong together' });
  const lrc = url === undefined ? undefined : lrcUrl(url);
  const http = createHttpClient(settings);

  const attempt = async (downlink: Downlink, signing: DownlinkSigning | undefined): Promise<SubmitOutcome> => {
    if (lrc === undefined) throw unsupported('no downlink.url is configured');
    const target = new URL(`${lrc.href}?${downlinkQuery(downlink, { ...settings, ...signing })}`);
    const secrets = [signing?.asKey ?? asKey ?? '', target.searchParams.get('Token') ?? ''];
    const exchange = await http.exchange({ method: 'POST', url: target, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    return outcomeOf(exchange, (answer) => readAnswer(answer, secrets));
  };

  return {
    delivery: 'submit',
    check: (downlink) => {
      if (lrc === undefined) throw unsupported('no downlink.url is configured');
      checkDevEui(downlink);
      if (requireBytes(downlink, 'ThingPark') === '') throw fieldError('payload', 'must not be empty');
      checkLorawan(downlink);
      callerParameters(downlink);
    },
    idsOf: (downlink) => [correlationId(downlink)],
    submit: (downlink, _address, signing) => withoutThrowing(() => attempt(downlink, signing)),
    reportsAfter: (state) => state === 'submitted',
    close: () => http.close(),
  };
};
