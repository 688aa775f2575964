/** What compose makes of docker-compose.yml: read by whichever command is installed, with neither's spelling. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

/** The plugin of Docker, or Debian's docker-compose; undefined when neither answers. */
export const command = [["docker", "compose"], ["docker-compose"]].find(
  ([program = "", ...words]) => spawnSync(program, [...words, "version"], { stdio: "ignore" }).status === 0,
);

const pairs = z.record(z.string(), z.union([z.string(), z.number(), z.null()])).default({});
/** Compose 1 writes `127.0.0.1:80:80/tcp` and `a:/b:ro`, compose 2 writes objects. */
const port = z.union([
  z.string().transform((text) => ({ host_ip: text.split(":").at(-3) ?? "" })),
  z.object({ host_ip: z.string().default("") }),
]);
const volume = z.union([
  z.string().transform((text) => ({
    bind: /^[./]/.test(text),
    target: text.split(":")[1] ?? "",
    read_only: text.endsWith(":ro"),
  })),
  z
    .object({ type: z.string(), target: z.string(), read_only: z.boolean().default(false) })
    .transform(({ type, target, read_only }) => ({ bind: type === "bind", target, read_only })),
]);
const serviceSchema = z.object({
  image: z.string(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  command: z.array(z.string()).nullish(),
  environment: pairs,
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  ports: z.array(port).default([]),
  volumes: z.array(volume).default([]),
  container_name: z.string().optional(),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  privileged: z.boolean().default(false),
  user: z.string().optional(),
  stop_grace_period: z.string().optional(),
  networks: z.record(z.string(), z.unknown()),
});
const composedSchema = z.object({
  services: z.record(z.string(), serviceSchema),
  networks: z.record(z.string(), z.object({ internal: z.boolean().default(false) })),
});
export type Service = z.infer<typeof serviceSchema>;
export type Composed = z.infer<typeof composedSchema>;

export interface Answer {
  readonly ok: boolean;
  readonly errors: string;
  readonly composed: Composed | undefined;
}

/** `config` with these variables alone: neither this machine's environment nor a developer's .env takes part. */
export function compose(environment: Readonly<Record<string, string>>): Answer {
  const [program = "", ...words] = command ?? [];
  const folder = mkdtempSync(join(tmpdir(), "millrace-compose-"));
  writeFileSync(join(folder, "empty.env"), "");
  const { status, stdout, stderr } = spawnSync(program, [...words, "--env-file", join(folder, "empty.env"), "config"], {
    env: { PATH: process.env["PATH"], HOME: process.env["HOME"], ...environment },
    encoding: "utf8",
  });
  rmSync(folder, { recursive: true });
  const ok = status === 0;
  return { ok, errors: stderr, composed: ok ? composedSchema.parse(parse(stdout)) : undefined };
}

/** `1m30s` as seconds. */
export function secondsOf(duration: string): number {
  const units: Readonly<Record<string, number>> = { h: 3_600, m: 60, s: 1 };
  return [...duration.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, n, unit = ""]) => sum + Number(n) * (units[unit] ?? 0),
    0,
  );
}
