import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** One stage of `npm test` is one folder; the stage is chosen on the command line (`vitest run test/unit`). */
export default defineConfig({
  test: {
    root: fileURLToPath(new URL("..", import.meta.url)),
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
    globalSetup: ["test/support/run-services.ts"],
    maxWorkers: 2,
    // Tests that cut real connections can meet a loaded machine; a second failure is a failure, and a retry is reported.
    retry: 1,
  },
});
