/**
 * What every process of the fleet shares: settings, services, ledger, lanes, intake. The one place that composes them;
 * it decides nothing. Producers and workers open a fleet and hand its parts on.
 */
import { type KeyGate, openKeyGate } from "../admission/key-limits.ts";
import { type Config, loadConfig } from "../config/config.ts";
import { type Intake, openIntake } from "../intake/accept.ts";
import { databaseAnswers, type Ledger, openLedger } from "../ledger/ledger.ts";
import { migrate } from "../ledger/migrate.ts";
import { cancelRequest } from "../ledger/requests.ts";
import { providers } from "../provider/registry.ts";
import { type Bell, openBell } from "../queue/bell.ts";
import { type Lanes, openLanes } from "../queue/lanes.ts";
import { checkRedis } from "../queue/redis-check.ts";
import { systemClock } from "../runtime/clock.ts";
import { type Services, startServices } from "../runtime/embedded/services.ts";
import { type Cancellations, openCancellations } from "../stream/cancellations.ts";
import { openStreamHub, type StreamHub } from "../stream/stream-hub.ts";
import { silentTelemetry, type Telemetry } from "../telemetry/telemetry.ts";

export interface Fleet {
  readonly config: Config;
  readonly redisUrl: string;
  readonly databaseUrl: string;
  readonly ledger: Ledger;
  readonly lanes: Lanes;
  readonly bell: Bell;
  readonly intake: Intake;
  readonly telemetry: Telemetry;
  readonly cancellations: Cancellations;
  /** Limits of API keys; connects when a key has some. */
  readonly keyGate: KeyGate;
  /** Answers as they come; connects when somebody reads. */
  readonly streams: StreamHub;
  /** Cancels what is not finished, and stops its call at once where one is under way. False: nothing to cancel. */
  cancel(requestId: string): Promise<boolean>;
  /** Closes connections; embedded services stop when nobody uses them any more. */
  close(): Promise<void>;
}

export interface FleetOptions {
  /** Folder that `.millrace` and `millrace.yaml` are looked for in. */
  readonly directory: string;
  /** Instead of the environment of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly telemetry?: Telemetry;
  /** Progress of a first start, one line at a time. */
  readonly say?: (line: string) => void;
}

/** Starts what is not named by REDIS_URL and DATABASE_URL, migrates, and connects. Throws SettingsError on bad settings. */
export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const config = loadConfig(Object.values(providers), options.directory, options.environment);
  const say = options.say ?? (() => {});
  if (config.redisUrl !== undefined) await checkRedis(config.redisUrl, say);
  const services = await servicesOf(config, say);
  await migrate(services.databaseUrl).catch(async (error: unknown) => {
    await services.stop();
    throw error;
  });
  const ledger = openLedger(services.databaseUrl);
  const lanes = openLanes(services.redisUrl);
  const bell = openBell(services.redisUrl);
  const telemetry = options.telemetry ?? silentTelemetry;
  const streams = openStreamHub(services.redisUrl);
  const cancellations = openCancellations(services.redisUrl);
  const keyGate = openKeyGate(services.redisUrl);
  return {
    config,
    redisUrl: services.redisUrl,
    databaseUrl: services.databaseUrl,
    ledger,
    lanes,
    bell,
    telemetry,
    streams,
    cancellations,
    keyGate,
    async cancel(requestId) {
      const isCancelled = await cancelRequest(ledger, requestId);
      if (isCancelled) cancellations.tell(requestId);
      return isCancelled;
    },
    intake: openIntake({ config, ledger, lanes, bell, telemetry, clock: systemClock }),
    async close() {
      streams.close();
      cancellations.close();
      keyGate.close();
      bell.close();
      await lanes.close();
      await ledger.close();
      await services.stop();
    },
  };
}

/** Named services are used as they are and never stopped; what is not named runs embedded. */
async function servicesOf(config: Config, say: (line: string) => void): Promise<Services> {
  const { redisUrl, databaseUrl } = config;
  if (redisUrl !== undefined && databaseUrl !== undefined) return { redisUrl, databaseUrl, stop: async () => {} };
  return startServices({ directory: config.home, say, databaseAnswers, redisUrl, databaseUrl });
}
