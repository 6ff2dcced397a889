// Runs the Solidity tests with forge: `node test.mjs [options of forge test]`. Compiler and libraries are the pinned ones
// of npm; what forge writes goes to OPENLORA_FORGE_OUT, so that the source tree stays clean.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = process.env.OPENLORA_NODE_MODULES ?? join(here, "node_modules");
const out = process.env.OPENLORA_FORGE_OUT ?? join(here, "../target/forge");
const forge = join(modules, "@foundry-rs/forge-linux-amd64/bin/forge");
const options = {
  "--root": here,
  "--use": join(here, "solc.mjs"),
  "--remappings": `@openzeppelin/=${join(modules, "@openzeppelin")}/`,
  "--out": join(out, "out"),
  "--cache-path": join(out, "cache"),
};
const result = spawnSync(forge, ["test", "--offline", ...Object.entries(options).flat(), ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, OPENLORA_NODE_MODULES: modules, FOUNDRY_ALLOW_PATHS: JSON.stringify([modules]) },
});
if (result.error) throw result.error;
process.exit(result.status ?? 1);
