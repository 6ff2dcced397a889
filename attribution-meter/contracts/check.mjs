// Checks what Java wrote into a folder with the libraries that others use: OpenZeppelin's tree and viem.
// node check.mjs FOLDER, where FOLDER holds tree.json (a standard-v1 dump) and receipts.json. Exits with 1 on any difference.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";
import { acknowledgementTypes, message, types } from "./receipt-types.mjs";

const modules = process.env.OPENLORA_NODE_MODULES ?? join(dirname(fileURLToPath(import.meta.url)), "node_modules");
const require = createRequire(join(modules, "x.js"));
const { StandardMerkleTree } = require("@openzeppelin/merkle-tree");
const { hashStruct, hashTypedData, recoverAddress, recoverTypedDataAddress } = require("viem");

const read = (name) => JSON.parse(readFileSync(join(process.argv[2], name), "utf8"));
const dump = read("tree.json");
const { root, entries, acknowledgement } = read("receipts.json");

const tree = StandardMerkleTree.load(dump);
tree.validate();
assert.equal(tree.root, root);
const values = dump.values.map(({ value }) => value);
assert.equal(StandardMerkleTree.of(values, dump.leafEncoding).root, root, "root rebuilt from the values");

for (const [i, { receipt: signed, structHash, digest, leaf, proof, signer }] of entries.entries()) {
  const data = message(types.Receipt, signed.receipt);
  const domain = { ...signed.domain, chainId: BigInt(signed.domain.chainId) };
  const typed = { domain, types, primaryType: "Receipt", message: data };
  assert.equal(hashStruct({ types, primaryType: "Receipt", data }), structHash);
  assert.equal(hashTypedData(typed), digest);
  assert.equal(await recoverAddress({ hash: digest, signature: signed.signature }), signer);
  assert.equal(tree.leafHash(values[i]), leaf);
  assert.ok(StandardMerkleTree.verify(root, dump.leafEncoding, values[i], proof), `proof of leaf ${i}`);
  const other = values[(i + 1) % values.length];
  assert.ok(!StandardMerkleTree.verify(root, dump.leafEncoding, other, proof), `proof of leaf ${i} for another leaf`);
  assert.deepEqual(tree.getProof(i), proof);
}

const acknowledgementSigner = await recoverTypedDataAddress({
  domain: { ...acknowledgement.domain, chainId: BigInt(acknowledgement.domain.chainId) },
  types: acknowledgementTypes,
  primaryType: "UsageAcknowledgement",
  message: message(acknowledgementTypes.UsageAcknowledgement, acknowledgement.acknowledgement),
  signature: acknowledgement.signature,
});
assert.equal(acknowledgementSigner, entries[0].signer);
console.log(`checked ${entries.length} receipts`);
