import { defineConfig } from "drizzle-kit";

/** `npx drizzle-kit generate --config drizzle/drizzle.config.ts` writes the next migration from the schemas. */
export default defineConfig({
  dialect: "postgresql",
  schema: ["./src/ledger/schema.ts", "./src/ledger/webhook-schema.ts", "./src/ledger/views.ts"],
  out: "./drizzle",
});
