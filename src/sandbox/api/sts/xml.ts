/** Elements by name. */
export interface XmlMembers {
  readonly [name: string]: string | number | XmlMembers;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

const escape = (text: string): string => text.replace(/[&<>]/g, (character) => entities[character] ?? character);

const inner = (value: string | number | XmlMembers): string =>
  typeof value === 'object' ? Object.entries(value).map(([name, member]) => `<${name}>${inner(member)}</${name}>`).join('') : escape(String(value));

/** A document of STS. */
export const xmlOf = (root: string, members: XmlMembers): string => `<${root} xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${inner(members)}</${root}>`;
