import { startSimulator } from "../../src/simulator/simulator.ts";

const { baseUrls } = await startSimulator(JSON.parse(process.argv[2] ?? "{}"));
process.send?.({ baseUrls });
