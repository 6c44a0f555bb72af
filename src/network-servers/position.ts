import { fieldError } from '../errors.js';
import type { Position } from '../messages/message.js';
import { type Building } from './entries.js';
import { numberField, objectField, pathOf, textField, type Fields } from './fields.js';

/**
 * A position as protobuf's JSON writes it: `{ latitude, longitude, altitude, accuracy, source }`. A coordinate of 0 may be left
 * out, so one alone stands with 0 for the other; with both 0 or absent the position is unknown. An accuracy of 0 is unknown too.
 * @throws invalid_field for a coordinate that is not on the globe
 */
export const positionField = (fields: Fields, key: string): Position | undefined => {
  const at = objectField(fields, key);
  if (at === undefined) return undefined;
  const latitude = coordinate(at, 'latitude', 90);
  const longitude = coordinate(at, 'longitude', 180);
  if (latitude === 0 && longitude === 0) return undefined;
  const position: Building<Position> = { latitude, longitude };
  const altitudeM = numberField(at, 'altitude');
  if (altitudeM !== undefined) position.altitudeM = altitudeM;
  const accuracyM = numberField(at, 'accuracy');
  if (accuracyM !== undefined && accuracyM !== 0) position.accuracyM = accuracyM;
  const source = textField(at, 'source');
  if (source !== undefined) position.source = source;
  return position;
};

const coordinate = (at: Fields, key: string, limit: number): number => {
  const degrees = numberField(at, key) ?? 0;
  if (Math.abs(degrees) > limit) throw fieldError(pathOf(at, key), `must be from -${limit} to ${limit} degrees`);
  return degrees;
};
