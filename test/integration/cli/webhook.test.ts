import { expect, it } from "vitest";
import { runCli, workFolder } from "../../support/cli.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

it("registers addresses, shows their secrets once, lists how they are doing, and revokes them", async () => {
  const environment = { REDIS_URL: await services.emptyRedis(), DATABASE_URL: await services.emptyDatabase() };
  const cwd = workFolder();
  const cli = (...args: string[]) => runCli(["webhook", ...args], { cwd, environment });
  const url = "https://hooks.example.com/millrace";

  const [none, made, wrongEvent, wrongUrl] = await Promise.all([
    cli("ls"),
    cli("create", url, "--tenant", "red", "--events", "batch.completed,batch.failed", "--json"),
    cli("create", url, "--events", "batch.done"),
    cli("create", "http://192.168.0.1/"),
  ]);
  const { secret, ...shown } = JSON.parse(made.stdout);
  const [listed, plain, unknown] = await Promise.all([cli("ls", "--json"), cli("ls"), cli("revoke", "x")]);
  const revoked = await cli("revoke", shown.id);
  const after = await cli("ls");

  expect(none.code).toBe(0);
  expect(secret).toMatch(/^whsec_/);
  expect(made.stderr).toContain("cannot be shown again");
  expect([wrongEvent.code, wrongEvent.stderr]).toEqual([64, expect.stringContaining("batch.done is none of")]);
  expect([wrongUrl.code, wrongUrl.stderr]).toEqual([64, expect.stringContaining("MILLRACE_ALLOW_PRIVATE_URLS")]);
  expect(JSON.parse(listed.stdout)).toEqual([shown]);
  expect(plain.stdout).toMatch(new RegExp(`${shown.id} +red +${url} +batch.completed batch.failed +0 +- +ok`));
  expect(listed.stdout + plain.stdout).not.toContain(secret);
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining("millrace webhook ls")]);
  expect(revoked.stdout).toContain("is revoked");
  expect(after.stdout).toContain("revoked 2");
});
