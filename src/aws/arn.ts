/** Where resources of AWS IoT Core are; what is unknown is `*` in an ARN. */
export interface AwsPlace {
  readonly region?: string | undefined;
  /** Twelve digits. */
  readonly account?: string | undefined;
}

export interface PlaceHints {
  readonly region?: string | undefined;
  /** ARN of the connection's certificate. */
  readonly certificateArn?: string | undefined;
  /** Host of the data endpoint: AWS's own names hold the region. */
  readonly host?: string | undefined;
}

/** What the configuration knows of the account: its certificate's ARN says most. */
export const placeOf = ({ region, certificateArn, host }: PlaceHints): AwsPlace => {
  const [, ofArn, account] = /^arn:[^:]+:iot:([^:]+):([^:]+):/.exec(certificateArn ?? '') ?? [];
  const ofHost = /\.iot\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$/i.exec(host ?? '')?.[1];
  return { region: ofArn ?? region ?? ofHost, account };
};

/** China and GovCloud are partitions of their own (AWS General Reference, "Amazon Resource Names"). */
const partitionOf = (region = ''): string => {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
};

/** @param resource Such as `client/bridge-1`. */
export const iotArn = ({ region, account }: AwsPlace, resource: string): string => `arn:${partitionOf(region)}:iot:${region ?? '*'}:${account ?? '*'}:${resource}`;
