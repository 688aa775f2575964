/** Files of batches are kept so long unless something else is said, and no file of OpenAI's wire expires later: thirty days. */
export const keptSeconds = 30 * 86_400;
