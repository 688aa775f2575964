import { expect, it } from "vitest";
import { runCli, workFolder } from "../../support/cli.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

it("registers addresses, shows their secrets once, lists how they are doing, and revokes them", async () => {
  const environment = { REDIS_URL: await services.emptyRedis(), DATABASE_URL: await services.emptyDatabase() };
  const cwd = workFolder();
  const cli = (...args: string[]) => runCli(["webhook", ...args], { cwd, environment });
  const url = "https://hooks.example.com/millrace";

  const [made, wrongEvent, wrongUrl] = await Promise.all([
    cli("create", url, "--tenant", "red", "--events", "batch.completed,batch.failed", "--json"),
    cli("create", url, "--events", "batch.done"),
    cli("create", "http://192.168.0.1/"),
  ]);
  const { secret, ...shown } = JSON.parse(made.stdout);
  const [listed, plain] = await Promise.all([cli("ls", "--json"), cli("ls")]);
  const revoked = await cli("revoke", shown.id);

  expect(secret).toMatch(/^whsec_/);
  expect(made.stderr).toContain("cannot be shown again");
  expect([wrongEvent.code, wrongEvent.stderr]).toEqual([64, expect.stringContaining("batch.done is none of")]);
  expect([wrongUrl.code, wrongUrl.stderr]).toEqual([64, expect.stringContaining("MILLRACE_ALLOW_PRIVATE_URLS")]);
  expect(JSON.parse(listed.stdout)).toEqual([shown]);
  expect(plain.stdout).toMatch(new RegExp(`${shown.id} +red +${url} +batch.completed batch.failed +0 +- +ok`));
  expect(listed.stdout + plain.stdout).not.toContain(secret);
  expect(revoked.stdout).toContain("is revoked");
});
