package org.openlora.meter.pricing;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.openlora.meter.datanet.Contributor;
import org.openlora.meter.datanet.Datanet;
import org.openlora.meter.document.CanonicalJson;
import org.openlora.meter.document.DocumentException;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evm.Address;
import org.openlora.meter.evm.Bytes32;

/// Where each contributor is paid, at one moment: payees may change without changing a datanet's digest, so a
/// usage row names the table that held when it was committed.
///
/// @param digest SHA-256 of `lp("openlora/payees/v1") ‖ lp(JCS({contributor hash: payee}))`
public record PayeeTable(Bytes32 digest, String json, SortedMap<Bytes32, Address> payees) {
    private static final JsonMapper JSON = new JsonMapper();

    /// The contributors of these datanets.
    public static PayeeTable of(Collection<Datanet> datanets) {
        SortedMap<Bytes32, Address> payees = new TreeMap<>();
        for (Datanet datanet : datanets) {
            for (Contributor contributor : datanet.contributors()) {
                Address other = payees.put(contributor.hash(), contributor.payee());
                if (other != null && !other.equals(contributor.payee())) {
                    throw new DocumentException("contributor '" + contributor.id() + "' of datanet '" + datanet.id()
                            + "' has two payees in datanets of one salt: " + other + " and " + contributor.payee());
                }
            }
        }
        return of(payees);
    }

    private static PayeeTable of(SortedMap<Bytes32, Address> payees) {
        ObjectNode node = JSON.createObjectNode();
        payees.forEach((hash, payee) -> node.put(hash.toString(), payee.toString()));
        byte[] json = CanonicalJson.bytes(node);
        return new PayeeTable(
                Sha256.domain("openlora/payees/v1").prefixed(json).digest(),
                new String(json, StandardCharsets.UTF_8),
                payees);
    }

    /// Reads [#json].
    public static PayeeTable parse(String json) {
        try {
            SortedMap<Bytes32, Address> payees = new TreeMap<>();
            for (var entry : JSON.readTree(json).properties()) {
                JsonNode payee = entry.getValue();
                payees.put(Bytes32.parse(entry.getKey()), Address.parse(payee.asText()));
            }
            return of(payees);
        } catch (JsonProcessingException e) {
            throw new DocumentException("payee table: " + e.getOriginalMessage(), e);
        }
    }

    public Optional<Address> find(Bytes32 contributor) {
        return Optional.ofNullable(payees.get(contributor));
    }
}
