/** Gemini's generation by the model's name, such as 2 or 3. An alias (`gemini-flash-latest`) is of the newest. */
function generationOf(model: string): number {
  const [, number] = /gemini-(\d+)/.exec(model) ?? [];
  return number === undefined ? Number.POSITIVE_INFINITY : Number(number);
}

/**
 * From 3 on a model thinks by levels, not budgets; seals its tool calls and wants the seal back; and takes the ids of
 * calls, which those before refuse at Vertex (Unknown name "id").
 */
export const isThirdGeneration = (model: string): boolean => generationOf(model) >= 3;
