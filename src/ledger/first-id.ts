/** The smallest uuid v7 of a millisecond: rows are found by the time in their ids. */
export const firstIdOf = (ms: number): string => {
  const hex = Math.trunc(ms).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
};
