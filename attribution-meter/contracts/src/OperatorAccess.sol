// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What the money contracts ask the ledger: who acts for an operator.
interface IOperatorRegistry {
    function operators(bytes32 operatorId) external view returns (address admin, bool suspended, address pendingAdmin);

    function submitters(bytes32 operatorId, address account) external view returns (bool);
}

/// @title Lets an operator's accounts of the `AttributionLedger` act here, so keys are rotated in one place.
abstract contract OperatorAccess {
    /// @notice The ledger that knows the operators.
    IOperatorRegistry public immutable ledger;

    error NotAdmin(bytes32 operatorId, address sender);
    error NotSubmitter(bytes32 operatorId, address sender);
    error Suspended(bytes32 operatorId);

    constructor(IOperatorRegistry operatorRegistry) {
        ledger = operatorRegistry;
    }

    modifier onlyAdmin(bytes32 operatorId) {
        if (!_isAdmin(operatorId, msg.sender)) revert NotAdmin(operatorId, msg.sender);
        _;
    }

    /// @dev A suspended operator moves nothing; payees and payers still reach what is theirs.
    modifier onlySubmitter(bytes32 operatorId) {
        if (!ledger.submitters(operatorId, msg.sender)) revert NotSubmitter(operatorId, msg.sender);
        (, bool suspended,) = ledger.operators(operatorId);
        if (suspended) revert Suspended(operatorId);
        _;
    }

    function _isAdmin(bytes32 operatorId, address account) internal view returns (bool) {
        (address admin,,) = ledger.operators(operatorId);
        return admin == account;
    }
}
