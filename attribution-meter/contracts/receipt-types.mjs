// The EIP-712 types of everything that an operator signs, and of the ledger's batch, as JavaScript libraries want them.
const members = (text) =>
  text.split(",").map((member) => {
    const [type, name] = member.trim().split(" ");
    return { name, type };
  });

export const types = {
  Receipt: members(
    "bytes32 stream,uint64 seq,bytes32 prevReceipt,uint8 kind,bytes32 ref,bytes32 requestId,bytes32 account,address payer," +
      "uint64 servedFrom,uint64 servedTo,uint64 includeBy,bytes32 baseDigest,bytes32 tokenizerDigest,bytes32 numericPath," +
      "AdapterUse[] adapters,uint32 promptTokens,uint32 cachedTokens,uint32 generatedTokens,uint32 discardedTokens," +
      "bytes32 promptHash,bytes32 outputHash,bytes32 scorer,bytes32 corpusRoots,bytes32 attribution,bytes32 priceBook," +
      "uint256 price,Payment[] payments",
  ),
  AdapterUse: members("bytes32 digest,bytes32 manifestDigest,int32 scalePpm,uint32 tokens"),
  Payment: members("address payee,uint8 role,bytes32 source,uint256 amount"),
};

export const acknowledgementTypes = {
  UsageAcknowledgement: members(
    "bytes32 requestId,bytes32 account,bytes32 baseDigest,bytes32 adaptersHash,uint32 promptTokens," +
      "uint32 generatedTokens,bytes32 promptHash,bytes32 outputHash,uint64 includeBy",
  ),
};

export const batchComponents = members(
  "uint64 number,bytes32 operatorId,bytes32 stream,uint64 firstSeq,uint64 lastSeq,uint32 count,uint64 fromTs,uint64 toTs," +
    "uint128 gross,uint128 creditTotal,uint64 promptTokens,uint64 generatedTokens,bytes32 priceBookHash,bytes32 root," +
    "bytes32 dataHash,string dataURI",
);

// Canonical JSON carries integers wider than 32 bits as decimal strings.
const wide = /^u?int(64|128|256)$/;
export const message = (fields, json) =>
  Object.fromEntries(
    fields.map(({ name, type }) => {
      const value = json[name];
      if (type === "AdapterUse[]") return [name, value.map((use) => message(types.AdapterUse, use))];
      if (type === "Payment[]") return [name, value.map((payment) => message(types.Payment, payment))];
      return [name, wide.test(type) ? BigInt(value) : value];
    }),
  );
