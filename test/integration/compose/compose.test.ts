/** Reads the composition as compose itself does. No image is built and nothing is started: that needs an engine. */
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { settingsFileSchema } from "../../../src/config/file.ts";
import { type Composed, command, compose, type Service, secondsOf } from "./composed.ts";

const secrets = { REDIS_PASSWORD: "redis-secret", POSTGRES_PASSWORD: "postgres-secret" };
const keys = { ANTHROPIC_API_KEY: "key-a", OPENAI_API_KEY: "key-o", GOOGLE_API_KEY: "key-g" };
const workers = { anthropic: "worker-anthropic", openai: "worker-openai", gemini: "worker-gemini" };
const processes = ["api", "feeder", "reconciler", ...Object.values(workers)];
/** Why a service has no health check; every other one has. */
const unchecked = { migrate: "runs once and ends", "otel-collector": "its image holds no program to check with" };

let answer: Composed | undefined;
function composed(): Composed {
  const { composed, errors } =
    answer === undefined ? compose({ ...secrets, ...keys }) : { composed: answer, errors: "" };
  if (composed === undefined) throw new Error(errors);
  answer = composed;
  return composed;
}
const service = (name: string): Service => {
  const found = composed().services[name];
  if (found === undefined) throw new Error(`there is no service ${name}`);
  return found;
};

describe("docker-compose.yml", () => {
  beforeEach(({ skip }) => {
    skip(command === undefined, "neither `docker compose` nor `docker-compose` is installed here");
  });

  it("has the services, the workers one per provider", () => {
    expect(Object.keys(composed().services).sort()).toEqual(
      [...processes, "migrate", "redis", "postgres", "otel-collector", "jaeger", "prometheus"].sort(),
    );
    expect(service("api").command).toEqual(["serve"]);
    expect(service("migrate").command).toEqual(["migrate"]);
    for (const kind of ["feeder", "reconciler"]) expect(service(kind).command).toEqual(["worker", kind]);
    for (const [provider, name] of Object.entries(workers)) expect(service(name).command).toEqual(["worker", provider]);
  });

  it("pins every image that it does not build to an exact version, and what it builds upon as well", () => {
    const dockerfile = readFileSync(service("api").build?.dockerfile ?? "", "utf8");
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
    const foreign = Object.values(composed().services).filter(({ build }) => build === undefined);
    expect(bases.length).toBeGreaterThan(1);
    for (const image of [...foreign.map(({ image }) => image), ...bases])
      expect(image).toMatch(/:v?\d+\.\d+\.\d+(-[a-z\d.-]+)?$|^postgres:\d+\.\d+(-[a-z]+)?$/);
  });

  it("checks the health of every service, or says why it cannot", () => {
    const without = Object.entries(composed().services).filter(([, { healthcheck }]) => healthcheck === undefined);
    expect(without.map(([name]) => name).sort()).toEqual(Object.keys(unchecked).sort());
    expect(service("api").healthcheck?.test.join(" ")).toContain("/readyz");
    expect(service("postgres").healthcheck?.test.join(" ")).toContain("pg_isready");
    expect(service("redis").healthcheck?.test.join(" ")).toContain("redis-cli ping");
  });

  it("starts no process before the schema is current and both services answer", () => {
    for (const name of processes)
      expect(service(name).depends_on, name).toMatchObject({
        migrate: { condition: "service_completed_successfully" },
        redis: { condition: "service_healthy" },
        postgres: { condition: "service_healthy" },
      });
    expect(service("migrate").depends_on).toEqual({
      postgres: expect.objectContaining({ condition: "service_healthy" }),
    });
  });

  it("keeps Redis durable: append-only, and never evicting", () => {
    const words = service("redis").command?.join(" ");
    expect(words).toContain("appendonly yes");
    expect(words).toContain("maxmemory-policy noeviction");
    expect(words).toContain("requirepass");
  });

  it("refuses to start without its secrets and names the one that is missing", () => {
    for (const [name, other] of [
      ["REDIS_PASSWORD", "POSTGRES_PASSWORD"],
      ["POSTGRES_PASSWORD", "REDIS_PASSWORD"],
    ] as const) {
      const answer = compose({ [other]: "given" });
      expect(answer.ok).toBe(false);
      expect(answer.errors).toContain(`set ${name} in .env`);
    }
  });

  it("holds no secret of its own: every password and key comes from the environment", () => {
    const text = readFileSync("docker-compose.yml", "utf8");
    const set = [...text.matchAll(/^\s+\w*(?:PASSWORD|_KEY|AUTH): (.*)$/gm)].map(([, value]) => value);
    expect(set.length).toBeGreaterThan(5);
    for (const value of set) expect(value).toMatch(/^\$\{\w+:(?:\?[^}]+|-)\}$/);
  });

  it("shows no secret in the arguments of a process", () => {
    const words = JSON.stringify(
      Object.values(composed().services).map(({ command, healthcheck }) => [command, healthcheck]),
    );
    for (const secret of [...Object.values(secrets), ...Object.values(keys)]) expect(words).not.toContain(secret);
  });

  it("gives a provider's key to its own worker and to the API, and to nobody else", () => {
    const { services } = composed();
    const holdersOf = (key: string) =>
      Object.keys(services).filter((name) => Object.values(service(name).environment).includes(key));
    expect(holdersOf("key-a").sort()).toEqual(["api", "worker-anthropic"]);
    expect(holdersOf("key-o").sort()).toEqual(["api", "worker-openai"]);
    expect(holdersOf("key-g").sort()).toEqual(["api", "worker-gemini"]);
  });

  it("opens ports on the host's loopback only, and none at all for Redis and Postgres", () => {
    const { services, networks } = composed();
    const published = Object.entries(services).flatMap(([name, { ports }]) =>
      ports.map(({ host_ip }) => [name, host_ip]),
    );
    expect(published.sort()).toEqual([
      ["api", "127.0.0.1"],
      ["jaeger", "127.0.0.1"],
      ["prometheus", "127.0.0.1"],
    ]);
    for (const name of ["redis", "postgres"])
      for (const network of Object.keys(service(name).networks))
        expect(networks[network]?.internal, network).toBe(true);
  });

  it("lets the API listen beyond its container", () => {
    expect(service("api").environment["MILLRACE_HOST"]).toBe("0.0.0.0");
  });

  it("mounts the host's files read-only", () => {
    const binds = Object.values(composed().services).flatMap(({ volumes }) => volumes.filter(({ bind }) => bind));
    expect(binds.length).toBeGreaterThan(1);
    for (const bind of binds) expect(bind.read_only).toBe(true);
  });

  it("runs its own processes without root, capabilities or a writable file system", () => {
    const dockerfile = readFileSync(".docker/Dockerfile", "utf8");
    expect(dockerfile.slice(dockerfile.lastIndexOf("FROM "))).toMatch(/^USER node$/m);
    for (const name of [...processes, "migrate"]) {
      expect(service(name).read_only, name).toBe(true);
      expect(service(name).cap_drop, name).toEqual(["ALL"]);
    }
  });

  it("keeps answers that wait for Postgres in a volume, over the end of a container", () => {
    const home = /MILLRACE_HOME=(\S+)/.exec(readFileSync(".docker/Dockerfile", "utf8"))?.[1] ?? "";
    for (const name of Object.values(workers)) {
      const held = service(name).volumes.find(({ target }) => target === home);
      expect(held, name).toMatchObject({ bind: false, read_only: false });
    }
  });

  it("lets nobody gain privileges, and takes them from every service that needs none", () => {
    for (const name of Object.keys(composed().services)) {
      expect(service(name).security_opt, name).toEqual(["no-new-privileges:true"]);
      expect(service(name).privileged, name).toBe(false);
      // PostgreSQL's image begins as root to own its volume, and goes on as its own user.
      if (name !== "postgres") expect([service(name).cap_drop, service(name).read_only], name).toEqual([["ALL"], true]);
    }
    expect(service("redis").user).toBe("redis");
  });

  it("lets workers be scaled: no fixed name, no port of their own", () => {
    for (const name of [...Object.values(workers), "feeder", "reconciler"]) {
      expect(service(name).container_name, name).toBeUndefined();
      expect(service(name).ports, name).toEqual([]);
    }
  });

  it("waits longer for a worker to stop than the worker drains", () => {
    const drainSeconds = settingsFileSchema.parse({}).worker.drainGraceMs / 1_000;
    for (const name of Object.values(workers))
      expect(secondsOf(service(name).stop_grace_period ?? "")).toBeGreaterThan(drainSeconds + 10);
  });

  it("sends traces to the collector, the collector's to Jaeger, and scrapes what both sides expose", () => {
    for (const name of processes)
      expect(service(name).environment["OTEL_EXPORTER_OTLP_ENDPOINT"]).toBe("http://otel-collector:4318");
    const collector = parse(readFileSync(".docker/otel-collector.yaml", "utf8"));
    const { exporters, receivers, service: pipelines } = collector;
    expect(receivers.otlp.protocols.http.endpoint).toMatch(/:4318$/);
    expect(exporters["otlp_grpc/jaeger"].endpoint).toBe("jaeger:4317");
    expect(pipelines.pipelines.traces.exporters).toEqual(["otlp_grpc/jaeger"]);
    const prometheus = parse(readFileSync(".docker/prometheus.yml", "utf8"));
    const targets = prometheus.scrape_configs.flatMap((job: { static_configs: { targets: string[] }[] }) =>
      job.static_configs.flatMap((entry) => entry.targets),
    );
    const port = String(exporters.prometheus.endpoint).split(":").at(-1);
    expect(targets).toEqual([`api:${service("api").environment["MILLRACE_PORT"]}`, `otel-collector:${port}`]);
  });
});
