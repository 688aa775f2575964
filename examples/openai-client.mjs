/**
 * OpenAI's own client, pointed at Millrace: any model of any provider, through the same queue and limits.
 *
 *   npx millrace up --simulate        (in another terminal)
 *   node examples/openai-client.mjs
 */
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: process.env.MILLRACE_URL ?? "http://127.0.0.1:8787/v1",
  apiKey: process.env.MILLRACE_API_KEY ?? "none",
});

// The key makes it safe to send the same again: it is answered once, and paid once.
const answer = await client.chat.completions.create(
  { model: "claude-haiku-4-5", messages: [{ role: "user", content: "Name three rivers in Wales" }] },
  { headers: { "Idempotency-Key": `rivers-${process.pid}` } },
);
console.log(answer.choices[0].message.content);

const stream = client.responses.stream({ model: "gpt-5-mini", input: "A haiku about a mill race" });
for await (const event of stream) if (event.type === "response.output_text.delta") process.stdout.write(event.delta);
console.log(`\n${(await stream.finalResponse()).usage.total_tokens} tokens`);

const { data } = await client.embeddings.create({ model: "text-embedding-3-small", input: "mill race" });
console.log(`${data[0].embedding.length} numbers`);
