/** The id of a batch as its callers know it, from that of its row. */
export const batchName = (id: string): string => `batch_${id.replaceAll("-", "")}`;
