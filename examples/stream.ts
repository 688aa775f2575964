/**
 * An answer as it comes, and one that has a form.
 *
 *   npm run setup && ANTHROPIC_API_KEY=… node examples/stream.ts      (Node 22.18 or newer runs TypeScript as it is)
 */
import { z } from "zod";
import { Millrace } from "../producers/library/millrace.ts";

const millrace = await Millrace.connect({ workers: true });
try {
  const stream = millrace.stream({ prompt: "A haiku about a mill race", priority: "interactive" });
  for await (const piece of stream) {
    if (piece.type === "text") process.stdout.write(piece.text);
    // Another provider answers: what was said is void.
    if (piece.type === "restart") process.stdout.write("\n…\n");
  }
  const { provider, model } = await stream.answer;
  console.log(`\n— ${provider}/${model}`);

  const schema = z.object({ name: z.string(), lengthKm: z.number() });
  const { parsed } = await millrace.run({ prompt: "The longest river of Wales", schema });
  console.log(parsed.name, parsed.lengthKm);
} finally {
  await millrace.close();
}
