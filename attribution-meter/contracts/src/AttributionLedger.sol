// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

/// @title Append-only ledger of inference receipts.
/// @notice Each operator commits batches of signed receipts, stream by stream, strictly in order: one Merkle root, the
/// totals and a link of a hash chain per batch. Anyone can then prove that a receipt was billed. Money moves in
/// contracts beside this one, so its address, which is part of every signature, never changes.
contract AttributionLedger is Ownable2Step, EIP712 {
    struct AdapterUse {
        bytes32 digest;
        bytes32 manifestDigest;
        int32 scalePpm;
        uint32 tokens;
    }

    struct Payment {
        address payee;
        uint8 role;
        bytes32 source;
        uint256 amount;
    }

    /// @dev Every member is static or an EIP-712 array, so keccak256(hashStruct) is a leaf of OpenZeppelin's standard
    /// Merkle tree.
    struct Receipt {
        bytes32 stream;
        uint64 seq;
        bytes32 prevReceipt;
        uint8 kind;
        bytes32 ref;
        bytes32 requestId;
        bytes32 account;
        address payer;
        uint64 servedFrom;
        uint64 servedTo;
        uint64 includeBy;
        bytes32 baseDigest;
        bytes32 tokenizerDigest;
        bytes32 numericPath;
        AdapterUse[] adapters;
        uint32 promptTokens;
        uint32 cachedTokens;
        uint32 generatedTokens;
        uint32 discardedTokens;
        bytes32 promptHash;
        bytes32 outputHash;
        bytes32 scorer;
        bytes32 corpusRoots;
        bytes32 attribution;
        bytes32 priceBook;
        uint256 price;
        Payment[] payments;
    }

    struct Batch {
        uint64 number; // 1, 2, 3 ... per operator and stream
        bytes32 operatorId;
        bytes32 stream;
        uint64 firstSeq;
        uint64 lastSeq;
        uint32 count;
        uint64 fromTs; // milliseconds since the epoch
        uint64 toTs;
        uint128 gross; // pico-units of usage and debit receipts
        uint128 creditTotal; // pico-units of credit receipts
        uint64 promptTokens;
        uint64 generatedTokens;
        bytes32 priceBookHash;
        bytes32 root;
        bytes32 dataHash;
        string dataURI; // only in the event and the head, never stored
    }

    struct Operator {
        address admin;
        bool suspended;
        address pendingAdmin;
    }

    struct StreamState {
        uint64 batches; // number of the last batch
        uint64 lastSeq; // last receipt of that batch
        uint128 gross;
        uint128 creditTotal;
    }

    struct Commit {
        bytes32 root;
        bytes32 head; // keccak256(abi.encode(head before, batch)): binds the whole header
    }

    bytes32 public constant ADAPTER_USE_TYPEHASH =
        keccak256("AdapterUse(bytes32 digest,bytes32 manifestDigest,int32 scalePpm,uint32 tokens)");
    bytes32 public constant PAYMENT_TYPEHASH =
        keccak256("Payment(address payee,uint8 role,bytes32 source,uint256 amount)");
    bytes32 public constant RECEIPT_TYPEHASH = keccak256(
        "Receipt(bytes32 stream,uint64 seq,bytes32 prevReceipt,uint8 kind,bytes32 ref,bytes32 requestId,bytes32 account,address payer,uint64 servedFrom,uint64 servedTo,uint64 includeBy,bytes32 baseDigest,bytes32 tokenizerDigest,bytes32 numericPath,AdapterUse[] adapters,uint32 promptTokens,uint32 cachedTokens,uint32 generatedTokens,uint32 discardedTokens,bytes32 promptHash,bytes32 outputHash,bytes32 scorer,bytes32 corpusRoots,bytes32 attribution,bytes32 priceBook,uint256 price,Payment[] payments)AdapterUse(bytes32 digest,bytes32 manifestDigest,int32 scalePpm,uint32 tokens)Payment(address payee,uint8 role,bytes32 source,uint256 amount)"
    );

    mapping(bytes32 operatorId => Operator) public operators;
    mapping(bytes32 operatorId => mapping(address => bool)) public submitters;
    /// @notice Until when (milliseconds of `servedTo`) an account signs receipts for an operator: 0 never did, the
    /// greatest uint64 still does.
    mapping(bytes32 operatorId => mapping(address => uint64)) public receiptSigners;
    mapping(bytes32 operatorId => mapping(bytes32 stream => StreamState)) public streams;
    mapping(bytes32 operatorId => mapping(bytes32 stream => mapping(uint64 number => Commit))) public batches;

    event OperatorRegistered(bytes32 indexed operatorId, address indexed admin, bytes32 salt);
    event OperatorAdminOffered(bytes32 indexed operatorId, address indexed candidate);
    event OperatorAdminChanged(bytes32 indexed operatorId, address indexed admin);
    event OperatorSuspended(bytes32 indexed operatorId, bool suspended);
    event SubmitterChanged(bytes32 indexed operatorId, address indexed submitter, bool allowed);
    event ReceiptSignerChanged(bytes32 indexed operatorId, address indexed signer, uint64 validUntil);
    event BatchCommitted(
        bytes32 indexed operatorId, bytes32 indexed stream, uint64 indexed number, bytes32 head, Batch batch
    );

    error AlreadyRegistered(bytes32 operatorId);
    error NotAdmin(bytes32 operatorId, address sender);
    error NotSubmitter(bytes32 operatorId, address sender);
    error Suspended(bytes32 operatorId);
    error BatchGap(uint64 expected);
    error BatchConflict(uint64 number);
    error SequenceGap(uint64 expectedFirstSeq);
    error InvalidBatch();

    constructor(address initialOwner) Ownable(initialOwner) EIP712("OpenLoRA AttributionLedger", "1") {}

    modifier onlyAdmin(bytes32 operatorId) {
        if (operators[operatorId].admin != msg.sender) revert NotAdmin(operatorId, msg.sender);
        _;
    }

    // ---- operators -----------------------------------------------------------------------------

    /// @notice The id that `registrant` gets with this salt; it outlives every key.
    function operatorIdOf(address registrant, bytes32 salt) public pure returns (bytes32) {
        return keccak256(abi.encode(registrant, salt));
    }

    /// @notice Registers the sender as an operator's admin, with its first submitter and receipt signer.
    function registerOperator(bytes32 salt, address submitter, address receiptSigner)
        external
        returns (bytes32 operatorId)
    {
        operatorId = operatorIdOf(msg.sender, salt);
        if (operators[operatorId].admin != address(0)) revert AlreadyRegistered(operatorId);
        operators[operatorId].admin = msg.sender;
        emit OperatorRegistered(operatorId, msg.sender, salt);
        _setSubmitter(operatorId, submitter, true);
        _setReceiptSigner(operatorId, receiptSigner, type(uint64).max);
    }

    function setSubmitter(bytes32 operatorId, address submitter, bool allowed) external onlyAdmin(operatorId) {
        _setSubmitter(operatorId, submitter, allowed);
    }

    /// @notice Adds a receipt signer.
    function addReceiptSigner(bytes32 operatorId, address signer) external onlyAdmin(operatorId) {
        _setReceiptSigner(operatorId, signer, type(uint64).max);
    }

    /// @notice Ends a signer's term now; receipts served before stay valid.
    function retireReceiptSigner(bytes32 operatorId, address signer) external onlyAdmin(operatorId) {
        if (receiptSigners[operatorId][signer] == type(uint64).max) {
            _setReceiptSigner(operatorId, signer, uint64(block.timestamp) * 1000);
        }
    }

    function offerOperatorAdmin(bytes32 operatorId, address candidate) external onlyAdmin(operatorId) {
        operators[operatorId].pendingAdmin = candidate;
        emit OperatorAdminOffered(operatorId, candidate);
    }

    function acceptOperatorAdmin(bytes32 operatorId) external {
        Operator storage operator = operators[operatorId];
        if (operator.pendingAdmin != msg.sender) revert NotAdmin(operatorId, msg.sender);
        operator.admin = msg.sender;
        operator.pendingAdmin = address(0);
        emit OperatorAdminChanged(operatorId, msg.sender);
    }

    /// @notice The owner can stop an operator from committing; what was committed stands.
    function setSuspended(bytes32 operatorId, bool suspended) external onlyOwner {
        operators[operatorId].suspended = suspended;
        emit OperatorSuspended(operatorId, suspended);
    }

    function _setSubmitter(bytes32 operatorId, address submitter, bool allowed) private {
        submitters[operatorId][submitter] = allowed;
        emit SubmitterChanged(operatorId, submitter, allowed);
    }

    function _setReceiptSigner(bytes32 operatorId, address signer, uint64 validUntil) private {
        receiptSigners[operatorId][signer] = validUntil;
        emit ReceiptSignerChanged(operatorId, signer, validUntil);
    }

    // ---- batches -------------------------------------------------------------------------------

    /// @return applied true where the batch is new, false for an identical replay. A gap and a different header for a
    /// used number revert, so a submitter may send as often as it likes.
    function commitBatch(Batch calldata batch) external returns (bool applied) {
        if (!submitters[batch.operatorId][msg.sender]) revert NotSubmitter(batch.operatorId, msg.sender);
        StreamState storage state = streams[batch.operatorId][batch.stream];
        mapping(uint64 => Commit) storage commits = batches[batch.operatorId][batch.stream];
        uint64 last = state.batches;
        if (batch.number == 0) revert InvalidBatch();
        if (batch.number > last + 1) revert BatchGap(last + 1);
        bytes32 head = keccak256(abi.encode(commits[batch.number - 1].head, batch));
        if (batch.number <= last) {
            if (commits[batch.number].head != head) revert BatchConflict(batch.number);
            return false;
        }
        if (operators[batch.operatorId].suspended) revert Suspended(batch.operatorId);
        if (batch.firstSeq != state.lastSeq + 1) revert SequenceGap(state.lastSeq + 1);
        if (
            batch.root == bytes32(0) || batch.count == 0 || batch.fromTs > batch.toTs
                || uint256(batch.lastSeq) + 1 != uint256(batch.firstSeq) + batch.count
        ) revert InvalidBatch();
        state.batches = batch.number;
        state.lastSeq = batch.lastSeq;
        state.gross += batch.gross;
        state.creditTotal += batch.creditTotal;
        commits[batch.number] = Commit(batch.root, head);
        emit BatchCommitted(batch.operatorId, batch.stream, batch.number, head, batch);
        return true;
    }

    /// @notice Whether this very header was committed: its numbers, totals, price books and data are then the
    /// operator's word, though only root and head are stored.
    function verifyBatch(Batch calldata batch) public view returns (bool) {
        mapping(uint64 => Commit) storage commits = batches[batch.operatorId][batch.stream];
        return batch.number != 0 && commits[batch.number].root != bytes32(0)
            && commits[batch.number].head == keccak256(abi.encode(commits[batch.number - 1].head, batch));
    }

    // ---- receipts ------------------------------------------------------------------------------

    /// @notice EIP-712 hashStruct of a receipt.
    function hashReceipt(Receipt calldata r) public pure returns (bytes32) {
        // In parts, because one abi.encode of all members is too deep for the stack; static members concatenate.
        return keccak256(
            bytes.concat(
                abi.encode(
                    RECEIPT_TYPEHASH, r.stream, r.seq, r.prevReceipt, r.kind, r.ref, r.requestId, r.account, r.payer
                ),
                abi.encode(
                    r.servedFrom,
                    r.servedTo,
                    r.includeBy,
                    r.baseDigest,
                    r.tokenizerDigest,
                    r.numericPath,
                    _hashAdapters(r.adapters)
                ),
                abi.encode(
                    r.promptTokens, r.cachedTokens, r.generatedTokens, r.discardedTokens, r.promptHash, r.outputHash
                ),
                abi.encode(r.scorer, r.corpusRoots, r.attribution, r.priceBook, r.price, _hashPayments(r.payments))
            )
        );
    }

    /// @notice Whether this very receipt stands in this batch: its leaf is in the tree, it is of the stream and its
    /// payments sum to its price.
    function verifyReceipt(
        bytes32 operatorId,
        bytes32 stream,
        uint64 number,
        Receipt calldata receipt,
        bytes32[] calldata proof
    ) public view returns (bool) {
        bytes32 root = batches[operatorId][stream][number].root;
        return root != bytes32(0) && receipt.stream == stream && _paymentsMatchPrice(receipt)
            && MerkleProof.verifyCalldata(proof, root, keccak256(bytes.concat(hashReceipt(receipt))));
    }

    /// @notice The same for whoever has the header too: then also that the receipt's number is one of the batch's.
    function verifyReceiptInBatch(Batch calldata batch, Receipt calldata receipt, bytes32[] calldata proof)
        external
        view
        returns (bool)
    {
        return verifyBatch(batch) && receipt.seq >= batch.firstSeq && receipt.seq <= batch.lastSeq
            && verifyReceipt(batch.operatorId, batch.stream, batch.number, receipt, proof);
    }

    /// @notice Whether one of the operator's signers, in its term, signed this very receipt.
    function verifySignedReceipt(bytes32 operatorId, Receipt calldata receipt, bytes calldata signature)
        external
        view
        returns (bool)
    {
        (address signer, ECDSA.RecoverError failure,) =
            ECDSA.tryRecover(_hashTypedDataV4(hashReceipt(receipt)), signature);
        return failure == ECDSA.RecoverError.NoError && receipt.servedTo <= receiptSigners[operatorId][signer]
            && receiptSigners[operatorId][signer] != 0 && _paymentsMatchPrice(receipt);
    }

    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    function _paymentsMatchPrice(Receipt calldata receipt) private pure returns (bool) {
        uint256 rest = receipt.price;
        for (uint256 i; i < receipt.payments.length; ++i) {
            uint256 amount = receipt.payments[i].amount;
            if (amount > rest) return false;
            rest -= amount;
        }
        return rest == 0;
    }

    function _hashAdapters(AdapterUse[] calldata adapters) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](adapters.length);
        for (uint256 i; i < hashes.length; ++i) {
            hashes[i] = keccak256(abi.encode(ADAPTER_USE_TYPEHASH, adapters[i]));
        }
        return keccak256(abi.encodePacked(hashes));
    }

    function _hashPayments(Payment[] calldata payments) private pure returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](payments.length);
        for (uint256 i; i < hashes.length; ++i) {
            hashes[i] = keccak256(abi.encode(PAYMENT_TYPEHASH, payments[i]));
        }
        return keccak256(abi.encodePacked(hashes));
    }
}
