#!/usr/bin/env node
/** The installed command: checks Node, then hands over to the build. Must be readable by an old Node. */
var [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`millrace needs Node.js 20.19 or newer, and this is ${process.versions.node}.
Install a current one (nvm install 22, or https://nodejs.org) and run the same command again.`);
  process.exit(1);
}
import("node:fs").then(({ existsSync }) => {
  const main = new URL("../../dist/producers/cli/main.js", import.meta.url);
  if (existsSync(main)) return import(main.href);
  console.error("millrace is not built yet: run `npm run setup` in its folder first.");
  process.exitCode = 1;
});
