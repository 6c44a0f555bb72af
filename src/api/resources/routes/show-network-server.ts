import { isoTime } from '../../answers.js';
import type { JsonObject } from '../../ports.js';
import { object, text, time, type Schema } from '../../schemas.js';
import type { NetworkServerLive } from '../live-status.js';
import type { ResourceView } from '../resource-view.js';
import { givenProperties, shownOptional, shownProperties } from './document-schema.js';
import { errorKey, errorSchema } from './show-connection.js';
import { shownKeysOf } from './show-resource.js';

/** What a document may say of downlinks, and how the downlink API fares. */
const downlinkApi: Schema = object({ state: text('Whether it takes downlinks.', { enum: ['ok', 'failing'] }), lastError: errorSchema }, ['lastError'], { description: 'Its downlink API.' });

export const networkServerAnswer = (description: string): Schema => {
  const given = givenProperties('network-server');
  const properties = { ...given, id: text('Names it.'), webhook: text('Path of its webhook on the public listener.'), lastMessageAt: time('Its last accepted webhook since the daemon started.'), downlinks: downlinkApi, ...shownProperties };
  return object(properties, [...Object.keys(given).filter((key) => key !== 'id'), 'lastMessageAt', 'downlinks', ...shownOptional], { description });
};

const liveJson = ({ lastMessageAt, downlinks }: NetworkServerLive): JsonObject => ({
  ...(lastMessageAt === undefined ? {} : { lastMessageAt: isoTime(lastMessageAt) }),
  ...(downlinks === undefined ? {} : { downlinks: { state: downlinks.state, ...errorKey('lastError', downlinks.lastError) } }),
});

export const showNetworkServer = (view: ResourceView, live: NetworkServerLive | undefined): JsonObject => ({
  ...view.document,
  id: view.id,
  webhook: `/in/${view.id}`,
  ...(live === undefined ? {} : liveJson(live)),
  ...shownKeysOf(view),
});
