/** Certificates of an authority of the test's own, made by openssl, for names on loopback. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

export interface Certificates {
  /** Paths of PEM files. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** An authority that has signed nothing here. */
  readonly strangerCa: string;
}

/** For `name` alone; undefined where there is no openssl. */
export function makeCertificates(name = "localhost"): Certificates | undefined {
  const folder = mkdtempSync(join(tmpdir(), "millrace-certificates-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const at = (file: string) => join(folder, file);
  const openssl = (...words: string[]) => execFileSync("openssl", words, { cwd: folder, stdio: "pipe" });
  const authority = (title: string) => {
    const subject = ["-subj", `/CN=${title}`];
    const key = ["-newkey", "rsa:2048", "-nodes", "-keyout", at(`${title}.key`)];
    openssl("req", "-x509", ...key, ...subject, "-days", "2", "-out", at(`${title}.pem`));
  };
  try {
    openssl("version");
  } catch {
    return undefined;
  }
  authority("ca");
  authority("stranger");
  writeFileSync(at("names"), `subjectAltName=DNS:${name}`);
  openssl(
    "req",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    at("server.key"),
    "-subj",
    `/CN=${name}`,
    "-out",
    at("asked"),
  );
  const signed = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial", "-extfile", at("names")];
  openssl("x509", "-req", "-in", at("asked"), ...signed, "-days", "2", "-out", at("server.pem"));
  return { ca: at("ca.pem"), cert: at("server.pem"), key: at("server.key"), strangerCa: at("stranger.pem") };
}
