import { providers } from "../../src/provider/registry.ts";
import { aimockJudge } from "./aimock-judge.ts";
import { describeConformance } from "./conformance.ts";
import { wireOf } from "./models.ts";
import { simulatorJudge } from "./simulator-judge.ts";

for (const provider of Object.values(providers)) {
  if (wireOf(provider) === undefined) continue;
  for (const judge of [simulatorJudge, aimockJudge]) describeConformance(provider, judge);
}
