/** The errors of AWS IoT Core's API with their HTTP status; a throttle is a 400, as AWS has it. */
export const apiErrors = {
  InvalidRequestException: 400,
  ThrottlingException: 400,
  MalformedPolicyException: 400,
  CertificateValidationException: 400,
  UnauthorizedException: 401,
  AccessDeniedException: 403,
  MissingAuthenticationTokenException: 403,
  IncompleteSignatureException: 403,
  InvalidSignatureException: 403,
  UnrecognizedClientException: 403,
  ExpiredTokenException: 403,
  ResourceNotFoundException: 404,
  UnknownOperationException: 404,
  CertificateStateException: 406,
  ResourceAlreadyExistsException: 409,
  VersionConflictException: 409,
  DeleteConflictException: 409,
  VersionsLimitExceededException: 409,
  LimitExceededException: 410,
  InternalFailureException: 500,
  ServiceUnavailableException: 503,
} as const;

export type ApiErrorName = keyof typeof apiErrors;

/** A refusal as the caller of the API sees it. */
export class ApiError extends Error {
  override readonly name = 'ApiError';

  constructor(
    readonly code: ApiErrorName,
    message: string,
    /** Members of the answer besides `message`. */
    readonly members: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }

  get status(): number {
    return apiErrors[this.code];
  }
}

export const invalidRequest = (message: string): ApiError => new ApiError('InvalidRequestException', message);

export const notFound = (kind: string, name: string): ApiError => new ApiError('ResourceNotFoundException', `${kind} ${name} not found.`);

export const alreadyExists = (message: string, resource: { readonly id: string; readonly arn: string }): ApiError =>
  new ApiError('ResourceAlreadyExistsException', message, { resourceId: resource.id, resourceArn: resource.arn });

/** A caller may name the version that it wants to change. @throws ApiError VersionConflictException */
export const checkVersion = (kind: string, version: number, expected: number | undefined): void => {
  if (expected !== undefined && expected !== version) {
    throw new ApiError('VersionConflictException', `The version of the ${kind} is ${version}, expected was ${expected}.`);
  }
};
