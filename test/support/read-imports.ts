import ts from 'typescript';

/** One import as the source writes it: `./a.js`, `node:fs`, `mqtt`; empty when only the running program knows its name. */
export interface Import {
  readonly specifier: string;
  /** Gone when compiled: `import type`, `export type … from` or `import('…').T`. */
  readonly typeOnly: boolean;
}

export interface FileShape {
  readonly imports: readonly Import[];
  readonly defaultExport: boolean;
  /** Passes on all of another file, or holds nothing but imports and exports of what others hold. */
  readonly barrel: boolean;
}

const textOf = (node: ts.Node | undefined): string => (node !== undefined && ts.isStringLiteralLike(node) ? node.text : '');

/** `import('…')`, or `require('…')` of a function that createRequire made. */
const isLoadingCall = (node: ts.Node): node is ts.CallExpression =>
  ts.isCallExpression(node) &&
  (node.expression.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(node.expression) && node.expression.text === 'require'));

const importAt = (node: ts.Node): Import | undefined => {
  if (ts.isImportDeclaration(node)) return { specifier: textOf(node.moduleSpecifier), typeOnly: node.importClause?.isTypeOnly === true };
  if (ts.isExportDeclaration(node) && node.moduleSpecifier) return { specifier: textOf(node.moduleSpecifier), typeOnly: node.isTypeOnly };
  if (ts.isImportTypeNode(node)) return { specifier: textOf(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined), typeOnly: true };
  if (isLoadingCall(node)) return { specifier: textOf(node.arguments[0]), typeOnly: false };
  return undefined;
};

const importsBelow = (node: ts.Node): Import[] => {
  const found: Import[] = [];
  const visit = (inner: ts.Node): void => {
    const entry = importAt(inner);
    if (entry !== undefined) found.push(entry);
    ts.forEachChild(inner, visit);
  };
  visit(node);
  return found;
};

const isDefault = (modifier: ts.ModifierLike): boolean => modifier.kind === ts.SyntaxKind.DefaultKeyword;

const exportsDefault = (statement: ts.Statement): boolean => {
  if (ts.isExportAssignment(statement)) return true;
  if (!ts.isExportDeclaration(statement)) return ts.canHaveModifiers(statement) && ts.getModifiers(statement)?.some(isDefault) === true;
  const { exportClause } = statement;
  return exportClause !== undefined && ts.isNamedExports(exportClause) && exportClause.elements.some((element) => element.name.text === 'default');
};

const isReexport = (statement: ts.Statement): statement is ts.ExportDeclaration => ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined;

const isBarrel = (statements: readonly ts.Statement[]): boolean =>
  statements.some((statement) => isReexport(statement) && (statement.exportClause === undefined || ts.isNamespaceExport(statement.exportClause))) ||
  (statements.some(isReexport) && statements.every((statement) => ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)));

/** Reads what a TypeScript file imports, and whether it only passes on what others export. */
export const readImports = (text: string): FileShape => {
  const source = ts.createSourceFile('file.ts', text, ts.ScriptTarget.ES2022);
  return { imports: importsBelow(source), defaultExport: source.statements.some(exportsDefault), barrel: isBarrel(source.statements) };
};
