#!/usr/bin/env node
// The pinned solc of npm, with the command line that forge expects of a compiler: `--version` and `--standard-json`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const modules = process.env.OPENLORA_NODE_MODULES ?? join(dirname(fileURLToPath(import.meta.url)), "node_modules");
const solc = createRequire(join(modules, "x.js"))("solc");
if (process.argv.includes("--standard-json")) {
  process.stdout.write(solc.compile(readFileSync(0, "utf8")));
} else {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
}
