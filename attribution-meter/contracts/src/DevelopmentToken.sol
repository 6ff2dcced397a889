// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A dollar worth nothing, for local chains: anyone mints as much as they like.
contract DevelopmentToken is ERC20 {
    constructor() ERC20("OpenLoRA development dollar", "devUSD") {}

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}
