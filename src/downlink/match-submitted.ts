import type { DownlinkState, DownlinkStatusFields, NetworkServerKind } from '../messages/message.js';
import type { SubmittedDownlink } from './ports.js';

/** Ids by which a report names its downlink; without any it can only be guessed. ChirpStack 3 knows no other than the frame counter. */
export const reportedIds = (kind: NetworkServerKind, { correlationIds = [], fCnt }: DownlinkStatusFields): readonly string[] => {
  if (correlationIds.length > 0) return correlationIds;
  return kind === 'chirpstack' && fCnt !== undefined ? [`fCnt:${fCnt}`] : [];
};

/** A frame counter may come again in another session, so the latest one counts. */
const byIds = (ids: readonly string[], candidates: readonly SubmittedDownlink[]): SubmittedDownlink | undefined => {
  const wanted = new Set(ids.map((id) => id.toLowerCase()));
  return candidates.findLast((candidate) => candidate.ids.some((id) => wanted.has(id.toLowerCase())));
};

const isOpen = ({ state }: SubmittedDownlink): boolean => state === 'queued' || state === 'submitted';

const fPortAgrees = (fields: DownlinkStatusFields, { downlink }: SubmittedDownlink): boolean => fields.fPort === undefined || fields.fPort === downlink.fPort;

/**
 * The downlink that a report is about, among those that its network server has of the device, oldest first. By id where the
 * network carries one. Without: ThingPark's rejection is about the oldest one with that FPort which was not transmitted yet (the LRC
 * sends in order), Sigfox's ACKNOWLEDGE about the last one handed out (a device gets one for each request).
 */
export const matchSubmitted = (kind: NetworkServerKind, fields: DownlinkStatusFields, candidates: readonly SubmittedDownlink[]): SubmittedDownlink | undefined => {
  const ids = reportedIds(kind, fields);
  if (ids.length > 0) return byIds(ids, candidates);
  if (kind === 'thingpark' && fields.event === 'DevEUI_downlink_Rejected') return candidates.find((candidate) => isOpen(candidate) && fPortAgrees(fields, candidate));
  return kind === 'sigfox' ? candidates.findLast(isOpen) : undefined;
};

/**
 * The state that a report brings. `queued` of a network server is the bridge's `submitted`, and says nothing new once more is known.
 * `submitted` after `sent` is none of that: the network server keeps the downlink and sends it again.
 */
export const reportedState = (reported: DownlinkState, known: DownlinkState): DownlinkState => {
  if (reported !== 'queued') return reported;
  return known === 'queued' ? 'submitted' : known;
};
