import { deflateSync, gzipSync } from 'node:zlib';

export interface Post {
  readonly path?: string;
  readonly method?: string;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A whole request as bytes. */
export const request = (body: Buffer | string, { path = '/in/chirpstack?event=up', method = 'POST', type = 'application/json', headers = {} }: Post = {}): Buffer => {
  const bytes = Buffer.from(body as string);
  const lines = Object.entries({ host: 'bridge', 'content-type': type, 'content-length': String(bytes.length), ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1'), bytes]);
};

/** A hostile request, and what it must get: `closed` is an end without an answer. */
export interface HostileCase {
  readonly name: string;
  readonly bytes: Buffer | string;
  readonly gets: readonly (number | 'closed')[];
}

export const devEui = 'aaaa000000000001';

const uplink = (more: string): string => `{"deduplicationId":"${more.length}-h","time":"2026-11-21T09:55:00Z","deviceInfo":{"devEui":"${devEui}"},"fPort":1,"fCnt":7,"data":"AA=="${more}}`;
const lists = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const objects = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

const thingpark = { path: '/in/thingpark', type: 'application/xml' };
const stack = { path: '/in/the-things-stack' };
const sigfox = { path: '/in/sigfox' };
const form = { ...sigfox, type: 'application/x-www-form-urlencoded' };

const laughs = `<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha">${Array.from({ length: 30 }, (_, level) => `<!ENTITY a${level} "${`&a${level === 0 ? '' : level - 1};`.repeat(10)}">`).join('')}]><DevEUI_uplink><DevEUI>&a29;</DevEUI></DevEUI_uplink>`;

const refused = (name: string, bytes: Buffer, status = 400): HostileCase => ({ name, bytes, gets: [status] });

/** Bodies within the limit that are made to hurt whoever reads them. */
export const hostileBodies: readonly HostileCase[] = [
  ...Object.entries<Post>({ chirpstack: {}, thingpark: { path: '/in/thingpark' }, 'the-things-stack': stack, sigfox }).flatMap(([kind, post]) => [
    refused(`${kind}: lists in lists, 100,000 levels`, request(`{"a":${lists(100_000)}}`, post)),
    refused(`${kind}: objects in objects, 100,000 levels`, request(objects(100_000), post)),
    refused(`${kind}: 500,000 lists that are never closed`, request('['.repeat(500_000), post)),
  ]),
  refused('text that is JSON of 100,000 levels', request(objects(100_000), { ...sigfox, type: 'text/plain' })),
  refused('a number of 900,000 digits', request(uplink(`,"fCnt":${'9'.repeat(900_000)}`))),
  refused('tags whose key is 900,000 characters and whose value is an object', request(uplink(`,"deviceInfo":{"devEui":"${devEui}","tags":{"${'k'.repeat(900_000)}":{}}}`))),
  refused('entities that grow tenfold thirty times', request(laughs, thingpark)),
  refused('an external entity', request('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><DevEUI_uplink><DevEUI>&x;</DevEUI></DevEUI_uplink>', thingpark)),
  refused('a parameter entity', request('<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/x"> %x;]><a/>', thingpark)),
  refused('elements in elements, 100,000 levels', request(`<DevEUI_uplink>${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}</DevEUI_uplink>`, thingpark)),
  refused('elements that are never closed', request(`<DevEUI_uplink>${'<a>'.repeat(300_000)}`, thingpark)),
  refused('a comment that is never closed', request(`<DevEUI_uplink>${'<!--'.repeat(200_000)}`, thingpark)),
  refused('CDATA that is never closed', request(`<DevEUI_uplink>${'<![CDATA['.repeat(100_000)}`, thingpark)),
  refused('an element with 100,000 attributes', request(`<DevEUI_uplink ${Array.from({ length: 90_000 }, (_, index) => `a${index}='1'`).join(' ')}/>`, thingpark)),
  refused('150,000 elements side by side, one without an end', request(`<DevEUI_uplink>${'<a></a>'.repeat(140_000)}<b></DevEUI_uplink>`, thingpark)),
  refused('200,000 references to characters', request(`<DevEUI_uplink><DevEUI>${'&#65;'.repeat(200_000)}</DevEUI></DevEUI_uplink>`, thingpark)),
  refused('a million spaces', request(' '.repeat(1_000_000), { ...sigfox, type: 'text/plain' })),
  refused('a line of a million letters', request('a'.repeat(1_000_000), { ...sigfox, type: 'text/plain' })),
  refused('a form of 250,000 keys', request('a=1&'.repeat(250_000), form)),
  refused('a form of percent signs', request('%'.repeat(1_000_000), form)),
  refused('base64 of a million equal signs', request(uplink(`,"data":"${'='.repeat(1_000_000)}"`))),
  refused('UTF-16', request(Buffer.from(uplink(''), 'utf16le'), { type: 'application/json; charset=utf-16' })),
  refused('UTF-16 with its mark', request(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(uplink(''), 'utf16le')]))),
  refused('invalid UTF-8', request(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc0, 0x80, 0xff, 0xed, 0xa0, 0x80]), Buffer.from('"}')]))),
  refused('gzip', request(gzipSync(uplink('')), { headers: { 'content-encoding': 'gzip' } })),
  refused('a gzip bomb', request(gzipSync(Buffer.alloc(50_000_000)), { headers: { 'content-encoding': 'gzip' } })),
  refused('deflate without saying so', request(deflateSync(uplink('')))),
  refused('nothing', request('')),
  refused('a NUL', request('\u0000')),
  refused('a list', request('[]', stack)),
  refused('only __proto__', request('{"__proto__":{"deviceInfo":{"devEui":"0101010101010101"}}}')),
  refused('__proto__ in place of the ids', request('{"end_device_ids":{"__proto__":{"device_id":"x"}},"uplink_message":{}}', stack)),
  refused('constructor as the event', request(uplink(''), { path: '/in/chirpstack?event=constructor' })),
  refused('__proto__ as the event', request(uplink(''), { path: '/in/chirpstack?event=__proto__' })),
  refused('__proto__ as a root element', request('<__proto__><DevEUI>1</DevEUI></__proto__>', thingpark)),
  refused('a form of nothing but __proto__', request('__proto__=1&constructor=2&__proto__[x]=3', form)),
];

/** Keys that mean something to JavaScript beside a good uplink change nothing. */
export const harmlessBodies: readonly HostileCase[] = [
  '"__proto__":{"type":"join","deviceId":"evil"}', '"constructor":{"prototype":{"polluted":true}}', '"toJSON":"x"', '"hasOwnProperty":1', '"object":{"__proto__":{"polluted":true},"toJSON":"x"}', '"object":{"then":{}}',
].map((extra) => ({ name: `beside a good uplink: ${extra}`, bytes: request(uplink(`,${extra}`)), gets: [204] }));

const head = 'POST /in/chirpstack?event=up HTTP/1.1\r\nhost: bridge\r\n';
const json = 'content-type: application/json\r\n';

/** Requests that break HTTP, or bend it. */
export const hostileHttp: readonly HostileCase[] = [
  { name: 'no HTTP at all', bytes: 'GARBAGE\r\n\r\n', gets: [400] },
  { name: 'bytes of a TLS handshake', bytes: Buffer.from('16030100c8010000c40303', 'hex'), gets: [400] },
  { name: 'the preface of HTTP/2', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', gets: [400] },
  { name: 'an unknown version', bytes: 'GET / HTTP/9.9\r\n\r\n', gets: [400, 505] },
  { name: 'no host', bytes: 'POST /in/chirpstack HTTP/1.1\r\n\r\n', gets: [400] },
  { name: 'a header of 100 KB', bytes: `${head}x: ${'a'.repeat(100_000)}\r\n\r\n`, gets: [431] },
  { name: 'a million headers', bytes: `${head}${'a: b\r\n'.repeat(1_000_000)}\r\n`, gets: [431, 'closed'] },
  { name: 'a media type of 10 KB', bytes: `${head}content-type: ${'a'.repeat(10_000)}\r\ncontent-length: 2\r\n\r\n{}`, gets: [415] },
  { name: 'an address of 100 KB', bytes: `GET /in/${'a'.repeat(100_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, gets: [431, 414] },
  { name: 'an id of 5,000 characters', bytes: request('{}', { path: `/in/${'a'.repeat(5_000)}` }), gets: [404, 414] },
  { name: 'a NUL in a header', bytes: `${head}x: a\u0000b\r\n\r\n`, gets: [400] },
  { name: 'a header without a name', bytes: `${head}: a\r\n\r\n`, gets: [400] },
  { name: 'a length and chunks', bytes: `${head}${json}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, gets: [400] },
  { name: 'two lengths', bytes: `${head}${json}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`, gets: [400] },
  { name: 'a negative length', bytes: `${head}${json}content-length: -1\r\n\r\n`, gets: [400] },
  { name: 'a length beyond all numbers', bytes: `${head}${json}content-length: ${'9'.repeat(40)}\r\n\r\n`, gets: [400, 413] },
  { name: 'a length of 100 MB', bytes: `${head}${json}content-length: 100000000\r\n\r\n{`, gets: [413] },
  { name: 'chunks whose size is no number', bytes: `${head}${json}transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`, gets: [400, 'closed'] },
  { name: 'a chunk of 2^64 bytes', bytes: `${head}${json}transfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n{}`, gets: [400, 'closed'] },
  { name: 'a chunk extension of 100 KB', bytes: `${head}${json}transfer-encoding: chunked\r\n\r\n2;${'x'.repeat(100_000)}\r\n{}\r\n0\r\n\r\n`, gets: [400, 413, 'closed'] },
  { name: 'a transfer coding nobody knows', bytes: `${head}${json}transfer-encoding: gzip\r\n\r\n`, gets: [400, 501] },
  { name: 'an expectation nobody knows', bytes: `${head}${json}expect: magic\r\ncontent-length: 2\r\n\r\n{}`, gets: [417] },
  { name: 'an upgrade', bytes: `${head}${json}connection: upgrade\r\nupgrade: websocket\r\ncontent-length: 2\r\n\r\n{}`, gets: [400, 'closed'] },
  { name: 'CONNECT', bytes: 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: x\r\n\r\n', gets: [400, 404, 405, 'closed'] },
  { name: 'TRACE', bytes: 'TRACE /in/chirpstack HTTP/1.1\r\nhost: x\r\n\r\n', gets: [404, 405] },
  { name: 'a method nobody knows', bytes: 'BREW /in/chirpstack HTTP/1.1\r\nhost: x\r\n\r\n', gets: [400] },
  { name: 'PROPFIND', bytes: 'PROPFIND /in/chirpstack HTTP/1.1\r\nhost: x\r\n\r\n', gets: [404, 405] },
  { name: 'an address with half a percent sign', bytes: request('{}', { path: '/in/%zz' }), gets: [400, 404] },
  { name: 'an address with a NUL', bytes: request('{}', { path: '/in/%00' }), gets: [404] },
  { name: 'an address of bytes that are no UTF-8', bytes: request('{}', { path: '/in/%ff%fe' }), gets: [400, 404] },
  { name: 'the id __proto__', bytes: request('{}', { path: '/in/__proto__' }), gets: [404] },
  { name: 'the id constructor', bytes: request('{}', { path: '/in/constructor' }), gets: [404] },
  { name: 'a way out of the folder', bytes: request('{}', { path: '/in/../../etc/passwd' }), gets: [404] },
  { name: 'a whole address of somebody else', bytes: request('{}', { path: 'http://elsewhere.example/in/chirpstack' }), gets: [400, 404] },
];
