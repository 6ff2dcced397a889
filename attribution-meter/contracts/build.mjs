// Compiles the contracts with the pinned solc and writes ABI and bytecode where the Java module reads them.
// `node build.mjs` writes; `node build.mjs --check` compares and exits with 1 where the committed file differs.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createRequire } from "node:module";

const here = dirname(fileURLToPath(import.meta.url));
// In a test the packages are installed elsewhere, so that the source tree stays clean.
const modules = process.env.OPENLORA_NODE_MODULES ?? join(here, "node_modules");
const solc = createRequire(join(modules, "x.js"))("solc");
const contracts = ["AttributionLedger", "PayoutClaims", "PayerDeposits", "DevelopmentToken"];

const input = {
  language: "Solidity",
  sources: Object.fromEntries(
    contracts.map((name) => [`src/${name}.sol`, { content: readFileSync(join(here, `src/${name}.sol`), "utf8") }]),
  ),
  settings: {
    evmVersion: "cancun",
    viaIR: true,
    optimizer: { enabled: true, runs: 10000 },
    metadata: { bytecodeHash: "none", appendCBOR: false },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
  },
};

const findImport = (path) => ({
  contents: readFileSync(path.startsWith("src/") ? join(here, path) : join(modules, path), "utf8"),
});
const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport }));
// 2394 explains transient storage, which OpenZeppelin's reentrancy guard uses as it says one should.
const problems = (output.errors ?? []).filter((e) => e.severity !== "info" && e.errorCode !== "2394");
if (problems.length > 0) {
  for (const problem of problems) console.error(problem.formattedMessage);
  process.exit(2);
}

let differs = false;
for (const name of contracts) {
  const { abi, evm } = output.contracts[`src/${name}.sol`][name];
  const artifact = {
    contract: name,
    compiler: solc.version(),
    evmVersion: input.settings.evmVersion,
    abi,
    bytecode: "0x" + evm.bytecode.object,
  };
  const text = JSON.stringify(artifact, null, 1) + "\n";
  const file = join(here, `../src/main/resources/contracts/${name}.json`);
  if (!process.argv.includes("--check")) {
    writeFileSync(file, text);
    console.log(`${name}: ${evm.bytecode.object.length / 2} bytes of init code, ${artifact.compiler}`);
  } else if (readFileSync(file, "utf8") !== text) {
    console.error(`${name}.json is not what solc makes of ${name}.sol: run npm run build`);
    differs = true;
  }
}
process.exit(differs ? 1 : 0);
