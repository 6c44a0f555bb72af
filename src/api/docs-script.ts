/**
 * Runs in the browser, before the page's own start: puts a field for the token above the page, sends the token with what the page asks
 * of this bridge, and reads `/openapi.json` instead of the empty document that the page knows. The token stays in the page's memory.
 */
export const docsScript = `'use strict';
(() => {
  const original = window.SwaggerUIBundle;
  const address = new URL('/openapi.json', window.location.origin).href;
  let token = '';
  let ui;

  const withToken = (request) => {
    if (token !== '' && new URL(request.url, window.location.href).origin === window.location.origin) {
      request.headers = { ...request.headers, Authorization: 'Bearer ' + token };
    }
    return request;
  };

  window.SwaggerUIBundle = Object.assign((config) => {
    ui = original({ ...config, url: address, requestInterceptor: withToken, persistAuthorization: false, tryItOutEnabled: true });
    return ui;
  }, original);

  const bar = document.createElement('form');
  bar.className = 'token-bar';
  const field = Object.assign(document.createElement('input'), { type: 'password', placeholder: 'lpb_…', autocomplete: 'off', spellcheck: false });
  const label = document.createElement('label');
  label.append('Token ', field);
  const button = Object.assign(document.createElement('button'), { type: 'submit', textContent: 'Use' });
  bar.append(label, button);
  bar.addEventListener('submit', (submit) => {
    submit.preventDefault();
    token = field.value.trim();
    ui.specActions.download(address);
  });
  document.body.prepend(bar);
})();
`;

export const docsStyle = `.token-bar { display: flex; gap: 0.5rem; padding: 0.75rem 1.25rem; background: #1b1b1b; color: #fff; font: 14px sans-serif; }
.token-bar input { width: 28rem; max-width: 60vw; }
.swagger-ui .topbar { display: none; }
`;
