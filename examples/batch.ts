/**
 * Many requests at once, with their answers in order. Run again, it goes on where it was and asks nothing twice.
 *
 *   npm run setup && ANTHROPIC_API_KEY=… node examples/batch.ts      (Node 22.18 or newer runs TypeScript as it is)
 */
import { Millrace } from "../producers/library/millrace.ts";

const rivers = ["Severn", "Wye", "Usk", "Teifi", "Towy"];

const millrace = await Millrace.connect({ workers: true });
try {
  const batch = await millrace.batch(
    rivers.map((river) => ({ id: river, prompt: `Where does the ${river} rise? One sentence.`, maxOutputTokens: 100 })),
  );
  console.log(batch.fresh ? "handed in" : "handed in before:", batch.id);
  for await (const { id, ...end } of batch.results()) {
    console.log(`${id}: ${end.state === "succeeded" ? end.answer?.text : end.reason}`);
  }
  const { succeeded, total } = await batch.progress();
  console.log(`${succeeded} of ${total} answered`);
} finally {
  await millrace.close();
}
