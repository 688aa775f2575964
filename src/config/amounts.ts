import { z } from "zod";

export const positive = z.int().min(1);
/** More than 2^31 - 1 ms no timer holds: it would ring at once. */
export const timerMs = positive.max(2_147_483_647);
