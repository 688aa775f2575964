import { providers } from "../../src/provider/registry.ts";
import { aimockJudge } from "./aimock-judge.ts";
import { describeConformance } from "./conformance.ts";
import { simulatorJudge } from "./simulator-judge.ts";

for (const provider of Object.values(providers)) {
  for (const judge of [simulatorJudge, aimockJudge]) describeConformance(provider, judge);
}
