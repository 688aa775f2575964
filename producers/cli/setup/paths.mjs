import { fileURLToPath } from "node:url";

/** The clone, with a separator at the end. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));
