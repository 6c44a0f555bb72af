import { fieldError } from '../../errors.js';
import type { Position } from '../../messages/message.js';
import { present } from '../entries.js';
import { integerField, numberField, pathOf, textField, type Fields } from '../fields.js';
import { embeddedFields, type Variables } from './variables.js';

type Coordinates = Pick<Position, 'latitude' | 'longitude'>;

const degrees = (fields: Fields, key: string, limit: number): number | undefined => {
  const value = numberField(fields, key);
  if (value !== undefined && Math.abs(value) > limit) throw fieldError(pathOf(fields, key), `must be from -${limit} to ${limit} degrees`);
  return value;
};

/** Coordinates under two keys; undefined when one of them is missing. @throws invalid_field when one is not on the globe */
export const coordinates = (fields: Fields, latitudeKey: string, longitudeKey: string): Coordinates | undefined => {
  const latitude = degrees(fields, latitudeKey, 90);
  const longitude = degrees(fields, longitudeKey, 180);
  return latitude === undefined || longitude === undefined ? undefined : { latitude, longitude };
};

/** Coordinates of which 0,0 means that nobody knows or entered any. */
export const knownCoordinates = ({ fields, key }: Variables, latitude: string, longitude: string): Coordinates | undefined => {
  const at = coordinates(fields, key(latitude), key(longitude));
  return at === undefined || (at.latitude === 0 && at.longitude === 0) ? undefined : at;
};

/** `computedLocation`: status 0 means not computed; 1 and 2 are usable. */
export const computedPosition = (variables: Variables): Position | undefined => {
  const location = embeddedFields(variables, 'computedLocation');
  if (location === undefined || integerField(location, 'status', 0, 99) === 0) return undefined;
  const at = coordinates(location, 'lat', 'lng');
  return at === undefined ? undefined : present({ ...at, accuracyM: numberField(location, 'radius'), source: textField(location, 'source') });
};

/** The position that the customer entered for a fixed device. */
export const fixedPosition = (variables: Variables): Position | undefined => {
  const at = knownCoordinates(variables, 'fixedLat', 'fixedLng');
  return at === undefined ? undefined : { ...at, source: 'fixed' };
};
