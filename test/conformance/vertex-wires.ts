/** Vertex' wires to build odd answers from: those of Gemini and of Claude, with a credential that Google takes. */
import { vertex } from "../../src/provider/adapters/vertex.ts";
import type { Provider } from "../../src/provider/provider.ts";
import { type Wire, wires } from "../support/wires.ts";
import { startGoogleCloud } from "./google-cloud.ts";

/** `token` is what calls are authorized with, in the place of a key. */
export async function startVertexWires(
  token: string,
): Promise<{ readonly wires: readonly Wire[]; stop(): Promise<void> }> {
  const cloud = await startGoogleCloud();
  const apiKey = await cloud.accountFile("account", token);
  const named = (id: string): Provider => ({
    ...vertex,
    id,
    connect: (settings) => vertex.connect({ ...settings, apiKey }),
  });
  const like = (id: string): Wire => {
    const wire = wires.find(({ provider }) => provider.id === id);
    if (wire === undefined) throw new Error(`no wire of ${id}`);
    return wire;
  };
  return {
    wires: [
      { ...like("gemini"), provider: named("vertex") },
      { ...like("anthropic"), provider: named("vertex with Claude") },
    ],
    stop: () => cloud.stop(),
  };
}
