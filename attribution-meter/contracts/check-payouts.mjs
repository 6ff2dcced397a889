// Holds a payout round, as OpenLoRA publishes it, against OpenZeppelin's library: node check-payouts.mjs ROUND.json TREE.json
// ROUND.json is the published file, TREE.json the standard-v1 dump of its tree. Exits with 1 on any difference.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";

const modules = process.env.OPENLORA_NODE_MODULES ?? join(dirname(fileURLToPath(import.meta.url)), "node_modules");
const require = createRequire(join(modules, "x.js"));
const { StandardMerkleTree } = require("@openzeppelin/merkle-tree");
const { keccak256 } = require("viem");

const bytes = readFileSync(process.argv[2]);
const round = JSON.parse(bytes);
const leaves = round.entries
  .filter((entry) => entry.cumulativeUnits !== "0")
  .map((entry) => [round.poolId, entry.payee, entry.cumulativeUnits]);
const tree = StandardMerkleTree.of(leaves, ["bytes32", "address", "uint256"]);

const dump = StandardMerkleTree.load(JSON.parse(readFileSync(process.argv[3], "utf8")));
dump.validate();
assert.equal(dump.root, tree.root, "root of the dump and root rebuilt from the round");

// What the payees have and what is carried is what was earned, to the last pico-unit.
const unit = 10n ** BigInt(12 - round.token.decimals);
for (const { payee, cumulativeUnits, earnedPico } of round.entries) {
  assert.ok(BigInt(earnedPico) - BigInt(cumulativeUnits) * unit < unit, `${payee} is given less than it has earned`);
}
console.log(`${keccak256(bytes)} ${tree.root} ${leaves.length}`);
