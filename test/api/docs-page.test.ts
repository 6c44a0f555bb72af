import { Script } from 'node:vm';
import t from 'tap';
import { openApi } from './support/open-api.js';

void t.test('the page is served to anybody, from here alone, and holds no document', async (t) => {
  const api = await openApi(t, { authenticate: 'always' });
  for (const path of ['/docs', '/docs/']) {
    const page = await api.call({ path });
    t.equal(page.status, 200);
    t.match(page.headers, { 'content-type': /^text\/html/, 'content-security-policy': /^default-src 'none'; script-src 'self';/, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    t.notMatch(page.headers['content-security-policy'], /https?:|unsafe-eval|\*/);
    const links = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = '']) => new URL(link, `${api.url}${path}`));
    t.ok(links.length >= 5);
    for (const link of links) {
      t.equal(link.origin, api.url, link.href);
      t.equal((await api.call({ path: link.pathname })).status, 200, link.pathname);
    }
    t.notMatch(page.text, /<script>|<style>|on[a-z]+="/, 'nothing inline');
  }
  t.notMatch((await api.call({ path: '/docs/json' })).text, /devices/);
  t.equal((await api.call({ path: '/openapi.json' })).status, 401);
});

void t.test('the script of the token field is a script, reads the real document and sends the token nowhere else', async (t) => {
  const api = await openApi(t);
  const { text } = await api.call({ path: '/docs/static/theme/token.js' });
  let asked: { url: string; requestInterceptor: (request: { url: string; headers?: Record<string, string> }) => { headers?: Record<string, string> } } | undefined;
  const fields: Record<string, unknown>[] = [];
  let submit: ((event: { preventDefault(): void }) => void) | undefined;
  const loaded: string[] = [];
  const element = (name: string): Record<string, unknown> => {
    const made: Record<string, unknown> = { name, append: () => undefined, addEventListener: (_kind: string, listener: typeof submit) => (submit = listener) };
    fields.push(made);
    return made;
  };
  const window: Record<string, unknown> & { SwaggerUIBundle: ((config: object) => unknown) & { presets?: unknown } } = {
    location: { origin: 'http://localhost:9090', href: 'http://localhost:9090/docs' },
    SwaggerUIBundle: Object.assign(
      (config: typeof asked) => {
        asked = config;
        return { specActions: { download: (url: string) => loaded.push(url) } };
      },
      { presets: 'kept' },
    ) as never,
  };
  new Script(text).runInNewContext({ window, URL, document: { createElement: element, body: { prepend: () => undefined } } });
  t.equal(window.SwaggerUIBundle.presets, 'kept');
  window.SwaggerUIBundle({ url: './json' });
  t.equal(asked?.url, 'http://localhost:9090/openapi.json');
  t.equal(asked?.requestInterceptor({ url: '/devices' }).headers, undefined, 'no token was given yet');
  const field = fields.find(({ name }) => name === 'input');
  t.equal(field?.['type'], 'password');
  Object.assign(field ?? {}, { value: ' lpb_x ' });
  submit?.({ preventDefault: () => undefined });
  t.strictSame(loaded, ['http://localhost:9090/openapi.json']);
  t.strictSame({ ...asked?.requestInterceptor({ url: '/devices', headers: { accept: 'a' } }).headers }, { accept: 'a', Authorization: 'Bearer lpb_x' });
  t.equal(asked?.requestInterceptor({ url: 'https://elsewhere.example/' }).headers, undefined);
});
