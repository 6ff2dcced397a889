package org.openlora.server.trace;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.transfer.TransferProgress;
import org.openlora.engine.tokenizer.Tokenizer;
import org.openlora.engine.tokenizer.Tokenizers;
import org.openlora.meter.datanet.DatanetRegistry;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.AttributionRecord;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.ledger.AttachedLedger;
import org.openlora.meter.ledger.Ledger;
import org.openlora.meter.receipt.Receipt;
import org.openlora.meter.receipt.ReceiptKind;
import org.openlora.meter.receipt.SignedReceipt;
import org.openlora.meter.trace.TraceStore;
import org.openlora.meter.usage.TokenHashes;
import org.openlora.meter.usage.TokenIds;
import org.openlora.server.catalog.ModelCatalog;
import org.openlora.server.catalog.ModelStore;
import org.openlora.server.config.Installation;
import org.openlora.server.config.ServerConfig;
import org.openlora.server.problem.Problem;
import org.openlora.server.serving.LedgerSettings;
import org.openlora.server.serving.Operator;
import org.openlora.server.serving.RequestIds;

/// Traces of this installation's ledger, beside a running server or without one. Opens the tokenizer of the
/// served model, not its weights, and that only where there is a text.
public final class Traces implements AutoCloseable {
    private static final String NOT_GIVEN =
            "the ledger keeps no text of it: give the answer with --text to see it; here is where its tokens belong";
    private static final JsonMapper JSON = new JsonMapper();

    private final ServerConfig config;
    private final Installation installation;
    private final Map<String, String> environment;
    private final Operator operator;
    private final AttachedLedger ledger;
    private final DatanetRegistry datanets;

    private Traces(
            ServerConfig config,
            Installation installation,
            Map<String, String> environment,
            Operator operator,
            AttachedLedger ledger) {
        this.config = config;
        this.installation = installation;
        this.environment = environment;
        this.operator = operator;
        this.ledger = ledger;
        this.datanets = DatanetRegistry.open(ledger.database(), installation.datanets(), InstantSource.system());
    }

    /// @throws Problem where there is no ledger
    public static Traces open(ServerConfig config, Installation installation, Map<String, String> environment) {
        LedgerSettings.requireLedger(installation, config);
        Operator operator = Operator.load(installation, config, environment);
        AttachedLedger ledger =
                Ledger.attach(LedgerSettings.location(installation, config, environment), operator.identity());
        try {
            return new Traces(config, installation, environment, operator, ledger);
        } catch (RuntimeException e) {
            ledger.close();
            throw e;
        }
    }

    /// The trace of a request.
    ///
    /// @param text file with the answer; null for a trace without it
    /// @param salt of the request; null for the ledger's own
    /// @throws Problem where there is no receipt of the request, or the text is not the answer that it is about
    public Trace of(String requestId, @Nullable Path text, @Nullable Bytes32 salt) {
        Receipt receipt = receipt(requestId);
        AttributionRecord record = ledger.queries()
                .attribution(receipt.seq())
                .orElseThrow(() -> new Problem(
                        "receipt %d has no attribution record".formatted(receipt.seq()),
                        "openlora receipts verify tells whether the ledger holds"));
        if (text == null) {
            return kept(receipt, record);
        }
        GivenAnswer given = GivenAnswer.read(text);
        try (Tokenizer tokenizer = tokenizer(receipt)) {
            TokenIds ids = given.matching(tokenizer, salt == null ? salt(receipt) : salt, receipt.outputHash());
            return new TraceDesk(datanets::find, tokenizer::decode).trace(receipt, record, ids, "");
        }
    }

    /// With the tokens that the tenant lets be kept; without any where there are none.
    private Trace kept(Receipt receipt, AttributionRecord record) {
        TokenIds output = new TraceStore(ledger.database())
                .find(receipt.requestId())
                .map(kept -> kept.output())
                .orElse(null);
        if (output == null) {
            return new TraceDesk(datanets::find, _ -> "").trace(receipt, record, null, NOT_GIVEN);
        }
        if (!TokenHashes.output(salt(receipt), output).equals(receipt.outputHash())) {
            throw new Problem(
                    "the tokens kept of receipt %d are not those it is about".formatted(receipt.seq()),
                    "openlora audit tells what else does not hold");
        }
        try (Tokenizer tokenizer = tokenizer(receipt)) {
            return new TraceDesk(datanets::find, tokenizer::decode).trace(receipt, record, output, "");
        }
    }

    private Receipt receipt(String requestId) {
        Bytes32 id = RequestIds.find(operator, config.tenants().getFirst().name(), requestId);
        return ledger.queries().receiptsOf(id).stream()
                .map(SignedReceipt::receipt)
                .filter(receipt -> receipt.kind() == ReceiptKind.USAGE)
                .findFirst()
                .orElseThrow(() -> new Problem(
                        "there is no receipt for request %s".formatted(requestId),
                        "check the id; openlora receipts list shows them, and a request that just ended has its receipt"
                                + " once it is scored"));
    }

    private Tokenizer tokenizer(Receipt receipt) {
        Path model = new ModelStore(installation, ModelCatalog.shipped(), environment, TransferProgress.silent())
                .resolve(config.model())
                .path();
        Tokenizer tokenizer = Tokenizers.open(model);
        if (!tokenizer.digest().toString().equals(Sha256.text(receipt.tokenizerDigest()))) {
            String actual = tokenizer.digest().toString();
            tokenizer.close();
            throw new Problem(
                    "the answer was cut by tokenizer %s, %s has %s"
                            .formatted(Sha256.text(receipt.tokenizerDigest()), config.model(), actual),
                    "name the model that answered with --model");
        }
        return tokenizer;
    }

    /// The ledger's own, which stays with the usage row when its tokens are dropped.
    private Bytes32 salt(Receipt receipt) {
        Optional<String> body = ledger
                .database()
                .query("SELECT body FROM usage WHERE request_id = ?", row -> row.getString("body"), receipt.requestId())
                .stream()
                .findFirst();
        try {
            return Bytes32.parse(JSON.readTree(body.orElseThrow(() -> new Problem(
                            "the ledger has no usage row of receipt %d".formatted(receipt.seq()),
                            "give the salt that came with the answer with --salt")))
                    .required("requestSalt")
                    .asText());
        } catch (JsonProcessingException e) {
            throw new Problem(
                    "the usage row of receipt %d cannot be read: %s".formatted(receipt.seq(), Problem.describe(e)),
                    "give the salt that came with the answer with --salt",
                    e);
        }
    }

    @Override
    public void close() {
        ledger.close();
    }
}
