/**
 * `services.json`: passwords, ports and processes of the two services, readable by their owner only.
 * Read and written under the lock. A server starts only after its process is written down here.
 */
import { chmodSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const liveProcess = z.object({ pid: z.int().positive(), started: z.string() });

const service = z.object({
  password: z.string().min(1),
  port: z.int().positive().optional(),
  process: liveProcess.optional(),
});

const servicesRecord = z.object({
  /** Device and inode of the directory: in a copy of the directory, ports and processes are somebody else's. */
  home: z.string(),
  postgres: service.optional(),
  redis: service.optional(),
});

export type ServiceRecord = z.infer<typeof service>;
export type ServicesRecord = z.infer<typeof servicesRecord>;

/** The record of this directory; an empty one when it is missing, damaged, or came along with a copied directory (passwords stay). */
export const readRecord = (directory: string): ServicesRecord => {
  const home = homeOf(directory);
  const parsed = servicesRecord.safeParse(readJson(join(directory, "services.json")));
  if (!parsed.success) return { home };
  if (parsed.data.home === home) return parsed.data;
  return { home, ...passwordsOf(parsed.data) };
};

/** Replaces the record in one step, so that a reader sees the old one or the new one. */
const writeRecord = (directory: string, record: ServicesRecord): void => {
  const path = join(directory, "services.json");
  const next = `${path}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  chmodSync(next, 0o600);
  renameSync(next, path);
};

/** Replaces what is known of one service. */
export const noteService = (directory: string, name: "postgres" | "redis", known: ServiceRecord): void =>
  writeRecord(directory, { ...readRecord(directory), [name]: known });

const homeOf = (directory: string): string => {
  const { dev, ino } = statSync(directory);
  return `${dev}:${ino}`;
};

const passwordsOf = ({ postgres, redis }: ServicesRecord): Omit<ServicesRecord, "home"> => ({
  ...(postgres && { postgres: { password: postgres.password } }),
  ...(redis && { redis: { password: redis.password } }),
});

const readJson = (path: string): unknown => {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
};
