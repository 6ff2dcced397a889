package org.openlora.meter.receipt;

/// Why a payee is paid. The code is the `uint8` that is hashed and the first sort key of a receipt's payments.
public enum Role {
    BASE_OWNER(1),
    ADAPTER_OWNER(2),
    OPERATOR(3),
    PLATFORM(4),
    CONTRIBUTOR(5),
    DATANET_POOL(6),
    TREASURY(7);

    private final int code;

    Role(int code) {
        this.code = code;
    }

    public int code() {
        return code;
    }

    /// @throws IllegalArgumentException for a number that is no role
    public static Role ofCode(int code) {
        for (Role role : values()) {
            if (role.code == code) {
                return role;
            }
        }
        throw new IllegalArgumentException("payment role " + code + ": allowed are 1 base owner, 2 adapter owner, "
                + "3 operator, 4 platform, 5 contributor, 6 datanet pool, 7 treasury");
    }
}
