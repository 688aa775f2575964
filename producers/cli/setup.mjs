/**
 * First step of the commands in package.json: makes a fresh clone ready, then runs one.
 * Only this file must be readable by an old Node; what follows is imported after the check.
 */
var [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`millrace needs Node.js 20.19 or newer, and this is ${process.versions.node}.
Install a current one (nvm install 22, or https://nodejs.org) and run the same command again.`);
  process.exit(1);
}
import("./setup/commands.mjs").then(({ runCommand }) => runCommand(process.argv.slice(2)));
