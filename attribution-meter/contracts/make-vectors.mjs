// Writes docs/vectors/receipts.json with viem and OpenZeppelin's tree: an opinion on every hash and signature that owes
// nothing to the Java code, which must reproduce it byte by byte. Run after `npm ci`: node make-vectors.mjs
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import {
  concat, encodeAbiParameters, getAddress, hashDomain, hashStruct, hashTypedData, keccak256, sliceHex, toHex, stringToHex,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { acknowledgementTypes, batchComponents, message, types } from "./receipt-types.mjs";

const privateKey = keccak256(stringToHex("openlora test vector operator key"));
const account = privateKeyToAccount(privateKey);
const word = (name) => keccak256(stringToHex(name));
const zero = toHex(0, { size: 32 });
const address = (name) => getAddress(sliceHex(word(name), 12));
const domain = {
  name: "OpenLoRA AttributionLedger",
  version: "1",
  chainId: 31337,
  verifyingContract: address("ledger"),
};

const base = (seq) => ({
  stream: word("stream"),
  seq: String(seq),
  prevReceipt: zero,
  kind: 1,
  ref: zero,
  requestId: word(`request ${seq}`),
  account: word("account"),
  payer: address("payer"),
  servedFrom: String(1790000000000 + seq * 1000),
  servedTo: String(1790000000500 + seq * 1000),
  includeBy: String(1790003600000 + seq * 1000),
  baseDigest: word("base"),
  tokenizerDigest: word("tokenizer"),
  numericPath: word("numeric path"),
  adapters: [],
  promptTokens: 17,
  cachedTokens: 0,
  generatedTokens: 42,
  discardedTokens: 0,
  promptHash: word(`prompt ${seq}`),
  outputHash: word(`output ${seq}`),
  scorer: word("scorer"),
  corpusRoots: zero,
  attribution: zero,
  priceBook: word("price book"),
  price: "0",
  payments: [],
});
const use = (name, scalePpm, tokens, manifest) => ({
  digest: word(name), manifestDigest: manifest ? word(manifest) : zero, scalePpm, tokens,
});
const pay = (role, source, payee, amount) => ({ payee, role, source, amount: String(amount) });
const sorted = (payments) =>
  payments.sort((a, b) => a.role - b.role || (a.source < b.source ? -1 : a.source > b.source ? 1 : 0)
    || (a.payee.toLowerCase() < b.payee.toLowerCase() ? -1 : 1));

// Bare base; one adapter; two adapters with a negative scale and every role; the greatest numbers; a credit; a debit.
const receipts = [base(1), base(2), base(3), base(4), base(5), base(6)];
Object.assign(receipts[0], {
  price: "5900000",
  payments: [pay(1, word("base"), address("base owner"), 5000000), pay(3, zero, address("operator"), 900000)],
});
Object.assign(receipts[1], {
  adapters: [use("adapter a", 1000000, 42, "manifest a")],
  cachedTokens: 16,
  attribution: word("record 2"),
  corpusRoots: word("corpus roots"),
  price: "1",
  payments: [pay(7, zero, address("treasury"), 1)],
});
Object.assign(receipts[2], {
  adapters: [use("adapter a", -250000, 42, null), use("adapter b", 1250000, 7, "manifest b")].sort((a, b) =>
    a.digest < b.digest ? -1 : 1),
  discardedTokens: 3,
  price: "28000000007",
  payments: sorted([
    pay(1, word("base"), address("base owner"), 1000000007),
    pay(2, word("adapter a"), address("adapter owner"), 2000000000),
    pay(2, word("adapter b"), address("adapter owner"), 3000000000),
    pay(3, zero, address("operator"), 4000000000),
    pay(4, zero, address("platform"), 5000000000),
    pay(5, word("contributor 1"), address("contributor 1"), 6000000000),
    pay(5, word("contributor 2"), address("contributor 2"), 0),
    pay(6, word("datanet"), toHex(0, { size: 20 }), 7000000000),
  ]),
});
Object.assign(receipts[3], {
  servedTo: "9223372036854775806",
  includeBy: "9223372036854775807",
  adapters: [use("adapter c", -2147483648, 2147483647, null)],
  promptTokens: 2147483647,
  cachedTokens: 2147483647,
  generatedTokens: 2147483647,
  discardedTokens: 2147483647,
  price: "9223372036854775807",
  payments: [pay(3, zero, address("operator"), "9223372036854775807")],
});
Object.assign(receipts[4], { kind: 2, price: "900000", payments: [pay(3, zero, address("operator"), 900000)] });
Object.assign(receipts[5], { kind: 3, price: "10", payments: [pay(4, zero, address("platform"), 10)] });

const struct = (json) => hashStruct({ types, primaryType: "Receipt", data: message(types.Receipt, json) });
receipts.forEach((receipt, i) => {
  if (i > 0) receipt.prevReceipt = struct(receipts[i - 1]);
  if (receipt.kind !== 1) receipt.ref = struct(receipts[0]);
});

const typeString =
  `Receipt(${types.Receipt.map((m) => `${m.type} ${m.name}`).join(",")})` +
  `AdapterUse(${types.AdapterUse.map((m) => `${m.type} ${m.name}`).join(",")})` +
  `Payment(${types.Payment.map((m) => `${m.type} ${m.name}`).join(",")})`;
const typeHash = keccak256(stringToHex(typeString));
const arrayHash = (type, list) =>
  keccak256(concat(list.map((data) => hashStruct({ types, primaryType: type, data: message(types[type], data) }))));
const leafEncoding = ["bytes32", ...types.Receipt.map((m) => (m.type.endsWith("[]") ? "bytes32" : m.type))];
const columns = (json) => [
  typeHash,
  ...types.Receipt.map((m) => (m.type.endsWith("[]") ? arrayHash(m.type.slice(0, -2), json[m.name]) : json[m.name])),
];
const tree = StandardMerkleTree.of(receipts.map(columns), leafEncoding);

const acknowledgement = {
  requestId: receipts[2].requestId,
  account: receipts[2].account,
  baseDigest: receipts[2].baseDigest,
  adaptersHash: arrayHash("AdapterUse", receipts[2].adapters),
  promptTokens: receipts[2].promptTokens,
  generatedTokens: receipts[2].generatedTokens,
  promptHash: receipts[2].promptHash,
  outputHash: receipts[2].outputHash,
  includeBy: receipts[2].includeBy,
};
const acknowledgementData = {
  domain,
  types: acknowledgementTypes,
  primaryType: "UsageAcknowledgement",
  message: message(acknowledgementTypes.UsageAcknowledgement, acknowledgement),
};

const sum = (list, value) => String(list.reduce((total, r) => total + BigInt(value(r)), 0n));
const header = {
  number: "7",
  operatorId: keccak256(encodeAbiParameters([{ type: "address" }, { type: "bytes32" }], [account.address, word("salt")])),
  stream: word("stream"),
  firstSeq: "1",
  lastSeq: "6",
  count: 6,
  fromTs: receipts[0].servedFrom,
  toTs: receipts[3].servedTo,
  gross: sum(receipts.filter((r) => r.kind !== 2), (r) => r.price),
  creditTotal: receipts[4].price,
  promptTokens: sum(receipts, (r) => r.promptTokens),
  generatedTokens: sum(receipts, (r) => r.generatedTokens),
  priceBookHash: keccak256(word("price book")),
  root: tree.root,
  dataHash: word("data"),
  dataURI: "sha256:a batch file",
};
const previousHead = word("previous head");
const head = keccak256(
  encodeAbiParameters(
    [{ type: "bytes32" }, { type: "tuple", components: batchComponents }],
    [previousHead, message(batchComponents, header)],
  ),
);
const transaction = {
  type: "eip1559", chainId: 31337, nonce: 5, maxPriorityFeePerGas: 1000000n, maxFeePerGas: 2000000000n, gas: 210000n,
  to: domain.verifyingContract, value: 0n, data: "0x010203",
};
const rawTransaction = await account.signTransaction(transaction);

const u64 = (value) => { const bytes = Buffer.alloc(8); bytes.writeBigUInt64LE(BigInt(value)); return bytes; };
const lengthPrefixed = (bytes) => Buffer.concat([u64(bytes.length), bytes]);
const tokenHash = (domainName, salt, ids) => {
  const data = Buffer.alloc(4 * ids.length);
  ids.forEach((id, i) => data.writeUInt32LE(id, 4 * i));
  const hash = createHash("sha256");
  hash.update(lengthPrefixed(Buffer.from(domainName))).update(Buffer.from(salt.slice(2), "hex")).update(lengthPrefixed(data));
  return "0x" + hash.digest("hex");
};
const salt = word("request salt");
const tokenIds = [1, 0, 31999, 49151, 2147483647];

const vectors = {
  privateKey,
  address: account.address,
  domain: { ...domain, chainId: String(domain.chainId) },
  domainSeparator: hashDomain({
    domain,
    types: {
      EIP712Domain: [
        { name: "name", type: "string" }, { name: "version", type: "string" }, { name: "chainId", type: "uint256" },
        { name: "verifyingContract", type: "address" },
      ],
    },
  }),
  typeString,
  typeHash,
  receipts: await Promise.all(
    receipts.map(async (receipt, i) => {
      const data = { domain, types, primaryType: "Receipt", message: message(types.Receipt, receipt) };
      return {
        receipt,
        structHash: struct(receipt),
        digest: hashTypedData(data),
        signature: await account.signTypedData(data),
        leaf: tree.leafHash(columns(receipt)),
        proof: tree.getProof(i),
      };
    }),
  ),
  root: tree.root,
  acknowledgement: {
    message: acknowledgement,
    digest: hashTypedData(acknowledgementData),
    signature: await account.signTypedData(acknowledgementData),
  },
  batch: { salt: word("salt"), header, previousHead, head },
  tokenHashes: {
    salt, tokenIds, prompt: tokenHash("openlora/prompt/v1", salt, tokenIds), output: tokenHash("openlora/output/v1", salt, tokenIds),
    emptyOutput: tokenHash("openlora/output/v1", salt, []),
  },
  transaction: {
    nonce: 5, maxPriorityFeeWei: "1000000", maxFeeWei: "2000000000", gasLimit: 210000, data: "0x010203",
    raw: rawTransaction, hash: keccak256(rawTransaction),
  },
};
writeFileSync(new URL("../../docs/vectors/receipts.json", import.meta.url), JSON.stringify(vectors, null, 1) + "\n");
