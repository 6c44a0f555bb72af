import type { OpenApiDocument } from '../../api/support/document-check.js';
import type { HttpAnswer, TestBridge } from './bridge.js';

/** An answer with where it came from. */
export interface Fetched extends HttpAnswer {
  readonly path: string;
}

/** Ids that stand for `{id}`, by the first part of the path: `connections`, `devices`, … */
export type KnownIds = Readonly<Record<string, readonly string[]>>;

export const documentOf = async (bridge: Pick<TestBridge, 'api'>, headers: Readonly<Record<string, string>> = {}): Promise<OpenApiDocument> => (await bridge.api('GET', '/openapi.json', undefined, headers)).json as unknown as OpenApiDocument;

/** Paths of all GET routes, with every id that is known. @throws for a route whose ids are not known */
export const readingPaths = (document: OpenApiDocument, ids: KnownIds): readonly string[] =>
  Object.entries(document.paths).flatMap(([template, verbs]) => {
    if (verbs['get'] === undefined) return [];
    if (!template.includes('{')) return [template];
    const known = ids[template.split('/')[1] ?? ''];
    if (known === undefined || known.length === 0) throw new Error(`no id is known for ${template}`);
    return known.map((id) => template.replace(/\{[^}]+\}/, encodeURIComponent(id)));
  });

/** Every GET route of the bridge's own document. */
export const readEverything = async (bridge: TestBridge, ids: KnownIds): Promise<readonly Fetched[]> => {
  const fetched: Fetched[] = [];
  for (const path of readingPaths(await documentOf(bridge), ids)) fetched.push({ path, ...(await bridge.private(path)) });
  return fetched;
};
