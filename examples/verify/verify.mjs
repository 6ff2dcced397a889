// Checks a receipt with nothing of OpenLoRA's: viem for hashes, signature and chain, OpenZeppelin's library for the tree.
//
//   node verify.mjs RECEIPT.json BATCH.jsonl|PROOF.json [--rpc URL] [--signer ADDRESS] [--from-block N]
//
// RECEIPT.json is a signed receipt, BATCH.jsonl the published file of its batch, PROOF.json an array of sibling hashes in
// its place. Exits with 1 where anything does not hold.
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import {
  concat, createPublicClient, getAddress, hashStruct, http, keccak256, parseAbi, recoverTypedDataAddress, stringToHex,
} from "viem";

const fields = (text) => text.split(",").map((field) => ({ type: field.split(" ")[0], name: field.split(" ")[1] }));
const types = {
  Receipt: fields(
    "bytes32 stream,uint64 seq,bytes32 prevReceipt,uint8 kind,bytes32 ref,bytes32 requestId,bytes32 account," +
      "address payer,uint64 servedFrom,uint64 servedTo,uint64 includeBy,bytes32 baseDigest,bytes32 tokenizerDigest," +
      "bytes32 numericPath,AdapterUse[] adapters,uint32 promptTokens,uint32 cachedTokens,uint32 generatedTokens," +
      "uint32 discardedTokens,bytes32 promptHash,bytes32 outputHash,bytes32 scorer,bytes32 corpusRoots," +
      "bytes32 attribution,bytes32 priceBook,uint256 price,Payment[] payments",
  ),
  AdapterUse: fields("bytes32 digest,bytes32 manifestDigest,int32 scalePpm,uint32 tokens"),
  Payment: fields("address payee,uint8 role,bytes32 source,uint256 amount"),
};
const typeHash = keccak256(
  stringToHex(Object.entries(types).map(([name, of]) => `${name}(${of.map((f) => `${f.type} ${f.name}`)})`).join("")),
);
const ledger = parseAbi([
  "event BatchCommitted(bytes32 indexed operatorId, bytes32 indexed stream, uint64 indexed number, bytes32 head, Batch batch)",
  "struct Batch { uint64 number; bytes32 operatorId; bytes32 stream; uint64 firstSeq; uint64 lastSeq; uint32 count; uint64 fromTs; uint64 toTs; uint128 gross; uint128 creditTotal; uint64 promptTokens; uint64 generatedTokens; bytes32 priceBookHash; bytes32 root; bytes32 dataHash; string dataURI; }",
  "function batches(bytes32 operatorId, bytes32 stream, uint64 number) view returns (bytes32 root, bytes32 head)",
  "function receiptSigners(bytes32 operatorId, address signer) view returns (uint64 validUntil)",
]);

// A leaf has one column for the type and one for each member; arrays stand in it by their hash.
const hashAll = (type, values) => keccak256(concat(values.map((data) => hashStruct({ types, primaryType: type, data }))));
const arrays = { "AdapterUse[]": "AdapterUse", "Payment[]": "Payment" };
const encoding = ["bytes32", ...types.Receipt.map(({ type }) => (type in arrays ? "bytes32" : type))];
const leaf = (receipt) => [
  typeHash,
  ...types.Receipt.map(({ name, type }) => (type in arrays ? hashAll(arrays[type], receipt[name]) : receipt[name])),
];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { rpc: { type: "string" }, signer: { type: "string" }, "from-block": { type: "string", default: "0" } },
});
if (positionals.length !== 2) {
  console.error("usage: node verify.mjs RECEIPT.json BATCH.jsonl|PROOF.json [--rpc URL] [--signer ADDRESS]");
  process.exit(2);
}
const failures = [];
const check = (name, holds, detail) => {
  console.log(`${name.padEnd(10)} ${holds ? "holds" : "FAILS"}  ${detail}`);
  if (!holds) failures.push(name);
};

const { domain, receipt, signature } = JSON.parse(readFileSync(positionals[0], "utf8"));
domain.chainId = BigInt(domain.chainId); // canonical JSON carries wide integers as strings
const signer = await recoverTypedDataAddress({ domain, types, primaryType: "Receipt", message: receipt, signature });
if (options.signer) check("signature", signer === getAddress(options.signer), `by ${signer}`);
else console.log(`signature  by ${signer}: see that you know this account, or give --signer ADDRESS`);

const paid = receipt.payments.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
check("payments", paid === BigInt(receipt.price), `${paid} of ${receipt.price} pico-units`);

const file = readFileSync(positionals[1]);
const given = positionals[1].endsWith(".json") ? JSON.parse(file) : null;
const tree = given ? null : StandardMerkleTree.of(file.toString().trim().split("\n").map((line) => leaf(JSON.parse(line).receipt)), encoding);
if (tree) {
  const own = tree.leafHash(leaf(receipt));
  check("batch", [...tree.entries()].some(([, value]) => tree.leafHash(value) === own), `root ${tree.root}`);
}

if (options.rpc) {
  const chain = createPublicClient({ transport: http(options.rpc) });
  const address = domain.verifyingContract;
  const seq = BigInt(receipt.seq);
  const events = await chain.getContractEvents({
    abi: ledger, address, eventName: "BatchCommitted", args: { stream: receipt.stream }, fromBlock: BigInt(options["from-block"]),
  });
  const read = (functionName, ...args) => chain.readContract({ abi: ledger, address, functionName, args });
  let committed;
  for (const { args } of events.filter(({ args: { batch } }) => batch.firstSeq <= seq && seq <= batch.lastSeq)) {
    // Only batches of an operator whose signer, in its term, signed the receipt: anybody may use the name of a stream.
    if ((await read("receiptSigners", args.operatorId, signer)) >= BigInt(receipt.servedTo)) committed = args;
  }
  if (committed) {
    const [root] = await read("batches", committed.operatorId, receipt.stream, committed.number);
    check("chain", tree ? root === tree.root : StandardMerkleTree.verify(root, encoding, leaf(receipt), given),
      `batch ${committed.number} of operator ${committed.operatorId}, root ${root}`);
    if (tree) check("file", keccak256(file) === committed.batch.dataHash, `keccak256 ${committed.batch.dataHash}`);
  } else {
    check("chain", false, `no batch with receipt ${seq} of a stream that ${signer} signs for`);
  }
} else {
  console.log("chain      not checked: give --rpc URL");
  if (given) failures.push("a proof proves nothing without the chain's root");
}
process.exit(failures.length === 0 ? 0 : 1);
