import t from 'tap';
import { BridgeError } from '../../src/errors.js';
import { grpcRefusal } from '../../src/network-servers/grpc-answer.js';
import { outcomeOf, plainCause, plainText, refusalOf, retryAfterOf, withoutThrowing } from '../../src/network-servers/submit-outcome.js';

const answer = (status: number, body = '', headers: Readonly<Record<string, string>> = {}) => ({ kind: 'answered' as const, status, headers, body });

void t.test('what each status means', async (t) => {
  const rows: readonly (readonly [number, object])[] = [
    [301, { kind: 'never', reason: 'network_server_refused' }],
    [400, { kind: 'never', reason: 'network_server_refused' }],
    [401, { kind: 'later', reason: 'network_server_unauthorised', scope: 'network-server', counts: false }],
    [403, { kind: 'later', reason: 'network_server_unauthorised', scope: 'network-server', counts: false }],
    [404, { kind: 'never', reason: 'network_server_refused' }],
    [408, { kind: 'later', reason: 'network_server_busy', scope: 'network-server', counts: true }],
    [409, { kind: 'never', reason: 'network_server_refused' }],
    [425, { kind: 'later', reason: 'network_server_busy', scope: 'network-server', counts: true }],
    [429, { kind: 'later', reason: 'network_server_busy', scope: 'network-server', counts: true }],
    [500, { kind: 'later', reason: 'network_server_busy', scope: 'network-server', counts: true }],
    [504, { kind: 'later', reason: 'network_server_busy', scope: 'network-server', counts: true }],
  ];
  for (const [status, expected] of rows) {
    const cause = { code: String(status), text: 'words' };
    t.strictSame(refusalOf(answer(status), cause), { ...expected, cause }, String(status));
  }
});

void t.test('an exchange without an answer', async (t) => {
  const read = () => t.fail('there is nothing to read') as never;
  t.strictSame(outcomeOf({ kind: 'unsent', detail: 'connect ECONNREFUSED 127.0.0.1:1' }, read), {
    kind: 'later', reason: 'network_server_unreachable', cause: { code: 'network_server_unreachable', text: 'connect ECONNREFUSED 127.0.0.1:1' }, scope: 'network-server', counts: false,
  });
  t.strictSame(outcomeOf({ kind: 'unanswered', detail: 'no answer within 10 ms' }, read), {
    kind: 'unknown', reason: 'network_server_timeout', cause: { code: 'network_server_timeout', text: 'no answer within 10 ms' },
  });
});

void t.test('Retry-After in seconds and as a date, and the rate limit of The Things Stack', async (t) => {
  const now = Date.parse('2026-03-04T05:06:07.000Z');
  const rows: readonly (readonly [Readonly<Record<string, string>>, number | undefined])[] = [
    [{}, undefined],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after': ' 120 ' }, 120_000],
    [{ 'retry-after': 'Wed, 04 Mar 2026 05:06:37 GMT' }, 30_000],
    [{ 'retry-after': 'Wed, 04 Mar 2026 05:00:00 GMT' }, 0],
    [{ 'retry-after': '99999999999' }, 86_400_000],
    [{ 'retry-after': 'soon' }, undefined],
    [{ 'x-rate-limit-retry': '2' }, 3_000],
    [{ 'x-rate-limit-retry': 'x' }, undefined],
    [{ 'retry-after': '1', 'x-rate-limit-retry': '20' }, 1_000],
  ];
  for (const [headers, expected] of rows) t.equal(retryAfterOf(headers, now), expected, JSON.stringify(headers));
  t.match(refusalOf(answer(429, '', { 'retry-after': '3' }), {}), { retryAfterMs: 3_000 });
  t.match(refusalOf(answer(503, '', { 'retry-after': '3' }), {}), { retryAfterMs: 3_000 });
  t.notMatch(refusalOf(answer(401, '', { 'retry-after': '3' }), {}), { retryAfterMs: 3_000 }, 'the credentials do not get better by waiting');
});

void t.test('an answer becomes one short line without markup and without secrets', async (t) => {
  const rows: readonly (readonly [string, string])[] = [
    ['<html><head><title>x</title></head><body>\n<p>Not  <b>now</b></p></body></html>', 'Not now'],
    ['POST /downlink?DevEUI=1&Token=0123abcd&x=1 failed', 'POST /downlink?DevEUI=1&Token=[redacted]&x=1 failed'],
    ['authorization: Bearer NNSXS.ABCDEFGH.IJKL denied', 'authorization: Bearer [redacted] denied'],
    ['{"apiKey":"NNSXS.ABCDEFGH.IJKL"}', '{"apiKey":"[redacted]"}'],
    ['the key my-own-key is unknown', 'the key [redacted] is unknown'],
    ['invalid token: expired', 'invalid token: expired'],
    ['', ''],
  ];
  for (const [given, expected] of rows) t.equal(plainText(given, ['my-own-key', '']), expected, given);
  const long = plainText('word '.repeat(1_000));
  t.equal(long.length, 300);
  t.ok(long.endsWith('…'));
  t.strictSame(plainCause(answer(502), []), { code: '502', text: 'Bad Gateway' });
  t.strictSame(plainCause(answer(799), []), { code: '799', text: 'no text' });
});

void t.test('error documents of grpc-gateway', async (t) => {
  const document = (value: unknown, status = 500) => grpcRefusal(answer(status, JSON.stringify(value)), ['s3cret']);
  const rows: readonly (readonly [number, object])[] = [
    [3, { kind: 'never', cause: { code: 'INVALID_ARGUMENT' } }],
    [5, { kind: 'never', reason: 'network_server_refused', cause: { code: 'NOT_FOUND' } }],
    [7, { kind: 'later', reason: 'network_server_unauthorised', counts: false, cause: { code: 'PERMISSION_DENIED' } }],
    [8, { kind: 'later', reason: 'network_server_busy', cause: { code: 'RESOURCE_EXHAUSTED' } }],
    [14, { kind: 'later', reason: 'network_server_busy', counts: true, cause: { code: 'UNAVAILABLE' } }],
    [16, { kind: 'later', reason: 'network_server_unauthorised', counts: false, cause: { code: 'UNAUTHENTICATED' } }],
  ];
  for (const [code, expected] of rows) t.match(document({ code, message: 'with s3cret' }, 400), { ...expected, cause: { text: 'with [redacted]' } }, String(code));
  t.match(document({ code: 13, message: 'storage' }), { kind: 'later', reason: 'network_server_busy', cause: { code: 'INTERNAL', text: 'storage' } });
  t.match(document({ error: 'old form', code: 99 }, 404), { kind: 'never', cause: { code: '404', text: 'old form' } });
  t.match(document({ code: 2, message: '' }), { cause: { code: 'UNKNOWN', text: 'UNKNOWN' } });
  t.match(document({ message: 7, details: [1, { name: 3 }, null] }, 400), { cause: { code: '400', text: 'no text' } });
  t.match(document({ code: 9, message: 'm', details: [{}, { namespace: 'pkg/x', name: 'device_not_found' }] }, 400), { cause: { code: 'device_not_found', text: 'm' } });
  t.match(grpcRefusal(answer(502, '<h1>Bad gateway</h1>'), []), { kind: 'later', cause: { code: '502', text: 'Bad gateway' } });
  t.match(grpcRefusal(answer(400, '{broken'), []), { kind: 'never', cause: { code: '400', text: '{broken' } });
});

void t.test('a request that cannot be made is an outcome, not an exception', async (t) => {
  t.strictSame(await withoutThrowing(() => Promise.reject(new BridgeError('downlink_unsupported', { detail: 'no address' }))), {
    kind: 'never', reason: 'downlink_unsupported', cause: { code: 'downlink_unsupported', text: 'no address' },
  });
  t.match(await withoutThrowing(() => { throw new TypeError('oops'); }), { kind: 'later', reason: 'internal_error', scope: 'downlink', counts: true });
});
