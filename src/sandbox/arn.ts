/** The sandbox's Region and account are made up, so that its ARNs cannot be taken for real ones. */
export const region = 'sandbox';
export const account = '000000000000';

/** `thing/x` → the whole ARN of AWS IoT Core. */
export const iotArn = (tail: string): string => `arn:aws:iot:${region}:${account}:${tail}`;

/** The IAM user whose access key the sandbox made. */
export const userArn = `arn:aws:iam::${account}:user/sandbox`;

/** The name in an ARN of this kind; undefined for another Region, account or kind, which a registry of AWS does not know either. */
export const nameInArn = (kind: string, arn: string): string | undefined => {
  const head = iotArn(`${kind}/`);
  return arn.startsWith(head) && arn.length > head.length ? arn.slice(head.length) : undefined;
};
