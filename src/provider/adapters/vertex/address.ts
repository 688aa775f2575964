/** Where a model is at Vertex. Pure. */

export interface Place {
  readonly project: string;
  readonly location: string;
  /** Without a slash at its end. */
  readonly baseUrl: string;
}

/** `global`, a part of the world (`us`, `eu`) or a region; each has a host of its own [D]. */
export function usualBaseUrl(location: string): string {
  if (location === "global") return "https://aiplatform.googleapis.com";
  if (location === "us" || location === "eu") return `https://aiplatform.${location}.rep.googleapis.com`;
  return `https://${location}-aiplatform.googleapis.com`;
}

export type Publisher = "google" | "anthropic";

export const publisherOf = (model: string): Publisher => (model.startsWith("claude-") ? "anthropic" : "google");

export const modelAddress = ({ baseUrl, project, location }: Place, model: string, verb: string): string =>
  `${baseUrl}/v1/projects/${encodeURIComponent(project)}/locations/${encodeURIComponent(location)}` +
  `/publishers/${publisherOf(model)}/models/${encodeURIComponent(model).replace("%40", "@")}:${verb}`;

/** Lists Google's models; only this version of the API can. */
export const listAddress = ({ baseUrl }: Pick<Place, "baseUrl">): string =>
  `${baseUrl}/v1beta1/publishers/google/models?pageSize=1`;
