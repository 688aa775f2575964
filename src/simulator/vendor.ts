/** Whose wire it is. */
export const vendors = ["anthropic", "openai", "gemini"] as const;
export type Vendor = (typeof vendors)[number];
