package org.openlora.adapters.transfer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openlora.adapters.transfer.TransferException.Kind;

class AddressRulesTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1", "127.9.9.9", "0.0.0.0", "0.1.2.3", "10.1.2.3", "172.16.0.1", "172.31.255.255",
                "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "198.18.0.1",
                "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd12:3456::1",
                "fec0::1", "ff02::1", "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"
            })
    void isPublic_addressOfANeighbour_isNot(String address) throws UnknownHostException {
        assertThat(AddressRules.isPublic(InetAddress.getByName(address))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.1.1.1", "8.8.8.8", "100.63.0.1", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1",
                "198.17.0.1", "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1"
            })
    void isPublic_otherAddress_is(String address) throws UnknownHostException {
        assertThat(AddressRules.isPublic(InetAddress.getByName(address))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://1.1.1.1/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "ftp://1.1.1.1/",
                "https://2130706433/", "file:///etc/passwd", "http://minio.local:9001/"
            })
    void check_whatNobodyNamed_isRefused(String address) {
        AddressRules rules = AddressRules.publicAnd(List.of("minio.local:9000", "10.0.0.7"));
        assertThatThrownBy(() -> rules.check(URI.create(address)))
                .isInstanceOfSatisfying(
                        TransferException.class, e -> assertThat(e.kind()).isEqualTo(Kind.REFUSED));
    }

    @Test
    void check_whatTheOperatorNamed_isAllowed() {
        AddressRules rules = AddressRules.publicAnd(List.of("Minio.local:9000", "10.0.0.7"));
        for (String address : List.of("http://minio.local:9000/x", "http://10.0.0.7/x", "https://1.1.1.1/x")) {
            assertThatCode(() -> rules.check(URI.create(address))).doesNotThrowAnyException();
        }
        assertThatThrownBy(() -> rules.check(URI.create("http://10.0.0.7:8080/x")))
                .isInstanceOf(TransferException.class);
    }
}
