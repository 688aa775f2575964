import { bedrock } from "../../src/provider/adapters/bedrock.ts";
import { aimockJudge } from "./aimock-judge.ts";
import { describeConformance } from "./conformance.ts";

describeConformance(bedrock, {
  ...aimockJudge,
  skips: {
    ...aimockJudge.skips,
    "bedrock: says who answered": "it sends no request id in AWS' name",
    "bedrock: reads a used-up quota": "its errors do not have the names of AWS'",
    "bedrock: probes with a good key": "it has no list of calls that run apart",
  },
});
