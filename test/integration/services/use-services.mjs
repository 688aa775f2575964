/**
 * A process that uses the embedded services of a directory: prints their addresses as one line, stops using them on
 * SIGTERM. From the build, since a plain Node runs it.
 */
import { databaseAnswers } from "../../../dist/src/ledger/ledger.js";
import { startServices } from "../../../dist/src/runtime/embedded/services.js";

const directory = process.argv[2];
const say = (line) => console.error(line);
const services = await startServices({ directory, say, databaseAnswers });
console.log(JSON.stringify({ redisUrl: services.redisUrl, databaseUrl: services.databaseUrl }));
const waiting = setInterval(() => {}, 60_000);
process.once("SIGTERM", async () => {
  await services.stop();
  clearInterval(waiting);
});
