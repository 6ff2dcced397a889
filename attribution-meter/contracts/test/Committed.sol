// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {vm} from "./Vm.sol";

/// @dev Deploys the compiled contracts that OpenLoRA ships.
library Committed {
    function deploy(string memory name, bytes memory arguments) internal returns (address deployed) {
        string memory json = vm.readFile(string.concat("../src/main/resources/contracts/", name, ".json"));
        bytes memory creation = bytes.concat(vm.parseJsonBytes(json, ".bytecode"), arguments);
        assembly ("memory-safe") {
            deployed := create(0, add(creation, 32), mload(creation))
        }
        require(deployed != address(0), string.concat(name, " was not deployed"));
    }
}
