/**
 * The only places that catch what an SDK throws: it becomes a value, and what our own code throws stays a bug.
 */
export type SdkAnswer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

export async function answerOf<T>(call: () => PromiseLike<T>): Promise<SdkAnswer<T>> {
  try {
    return { ok: true, value: await call() };
  } catch (error) {
    return { ok: false, error };
  }
}

/** Every event of a stream; a failure is the last item. Leaving the loop early closes the stream. */
export async function* answersOf<T>(stream: AsyncIterable<T>): AsyncGenerator<SdkAnswer<T>, void, undefined> {
  const iterator = stream[Symbol.asyncIterator]();
  let finished = false;
  try {
    for (;;) {
      const step = await answerOf(() => iterator.next());
      finished = !step.ok || step.value.done === true;
      if (!step.ok) yield step;
      if (!step.ok || step.value.done === true) return;
      yield { ok: true, value: step.value.value };
    }
  } finally {
    if (!finished) await answerOf(async () => iterator.return?.());
  }
}
