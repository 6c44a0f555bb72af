import type { DeviceInfo } from '../../messages/message.js';
import { embeddedJson } from '../body-text.js';
import { merged, present } from '../entries.js';
import { isObject, textField, type Fields } from '../fields.js';

export interface ReadDevice {
  readonly device?: DeviceInfo;
  readonly native: Readonly<Record<string, unknown>>;
  readonly used: readonly string[];
}

const isTagList = (value: unknown): value is string[] => Array.isArray(value) && value.every((tag) => typeof tag === 'string');

const tagEntry = (tag: string): [string, string] => {
  const at = tag.indexOf('=');
  return at <= 0 ? [tag, ''] : [tag.slice(0, at), tag.slice(at + 1)];
};

/** Plain tags and `key=value` tags as one object; undefined when there are none, or when two have one key and one would be lost. */
const readTags = (value: unknown): Record<string, string> | undefined => {
  if (!isTagList(value) || value.length === 0) return undefined;
  const tags = Object.fromEntries(value.map(tagEntry));
  return Object.keys(tags).length === value.length ? tags : undefined;
};

/**
 * CustomerData and DriverCfg are JSON text in XML, and in some JSON bodies too. What the customer wrote there is free: a shape
 * that we do not know stays in `native` and never costs the message.
 */
export const readDevice = (body: Fields): ReadDevice => {
  const customer = embeddedJson(body.value.CustomerData);
  const { name, tags: tagList, ...rest } = isObject(customer) ? customer : {};
  const tags = readTags(tagList);
  const knownName = typeof name === 'string' && name !== '' ? name : undefined;
  const device = present({ name: knownName, applicationId: textField(body, 'CustomerID'), class: textField(body, 'DynamicClass'), tags });
  const others = present(merged(rest, { ...(knownName === undefined ? { name } : {}), ...(tags === undefined ? { tags: tagList } : {}) }));
  const native = {
    CustomerData: isObject(customer) ? (Object.keys(others).length === 0 ? undefined : others) : customer,
    DriverCfg: embeddedJson(body.value.DriverCfg),
  };
  return {
    ...(Object.keys(device).length === 0 ? {} : { device }),
    native: Object.fromEntries(Object.entries(native).filter(([, value]) => value !== undefined && value !== null && value !== '')),
    used: ['CustomerID', 'CustomerData', 'DriverCfg', 'DynamicClass'],
  };
};
