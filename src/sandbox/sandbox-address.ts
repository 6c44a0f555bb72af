export interface NetworkAddress {
  readonly host: string;
  readonly port: number;
}

/** Where the sandbox is and what the bridge needs to come in. Certificates are given as paths of PEM files. */
export interface SandboxAddress extends NetworkAddress {
  readonly caCertificate: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly certificateId: string;
  readonly certificateArn: string;
  /** The access key of the sandbox's IAM user, kept in the data directory. */
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** The API of AWS IoT Core and STS, plain HTTP; absent: it does not listen. */
  readonly api?: NetworkAddress;
  /** MQTT over WebSocket, `wss://…/mqtt`; absent: it does not listen. */
  readonly wss?: NetworkAddress;
}
