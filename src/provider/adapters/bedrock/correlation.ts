/** A step of the SDK's that adds the request's id as a header, before the request is signed. */
export const correlating =
  (correlation: string) =>
  <Args extends { readonly request: unknown }, Result>(next: (args: Args) => Promise<Result>) =>
  (args: Args): Promise<Result> => {
    if (hasHeaders(args.request)) args.request.headers["x-millrace-request"] = correlation;
    return next(args);
  };

const hasHeaders = (request: unknown): request is { headers: Record<string, string> } =>
  typeof request === "object" && request !== null && "headers" in request;
