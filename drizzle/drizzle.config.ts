import { defineConfig } from "drizzle-kit";

/** `npx drizzle-kit generate --config drizzle/drizzle.config.ts` writes the next migration from the tables in src/ledger. */
export default defineConfig({
  dialect: "postgresql",
  schema: ["./src/ledger/schema.ts", "./src/ledger/hosted-schema.ts", "./src/ledger/views.ts"],
  out: "./drizzle",
});
