package org.openlora.server.grpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.util.Durations;
import com.google.protobuf.util.Timestamps;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.openlora.adapters.Digest;
import org.openlora.api.v1.AdapterRef;
import org.openlora.api.v1.AdapterUsage;
import org.openlora.api.v1.Delta;
import org.openlora.api.v1.FinishReason;
import org.openlora.api.v1.Finished;
import org.openlora.api.v1.GenerateRequest;
import org.openlora.api.v1.Model;
import org.openlora.api.v1.Prompt;
import org.openlora.api.v1.ProvisionalAttribution;
import org.openlora.api.v1.ProvisionalSource;
import org.openlora.api.v1.ResolvedAdapter;
import org.openlora.api.v1.Started;
import org.openlora.api.v1.TokenLogprob;
import org.openlora.api.v1.TokenLogprobs;
import org.openlora.api.v1.Usage;
import org.openlora.api.v1.UsageAcknowledgement;
import org.openlora.engine.GenerationEvent;
import org.openlora.engine.sampling.SamplingParams;
import org.openlora.meter.document.Sha256;
import org.openlora.meter.evidence.ProvisionalSpan;
import org.openlora.meter.evm.Bytes32;
import org.openlora.meter.receipt.SignedAcknowledgement;
import org.openlora.server.config.ServerConfig.Tenant;
import org.openlora.server.serving.AdapterChoice;
import org.openlora.server.serving.Admission;
import org.openlora.server.serving.GenerationCall;
import org.openlora.server.serving.PromptInput;
import org.openlora.server.serving.ServedModel;

/// Between the wire's messages and ours. Reading throws [IllegalArgumentException] naming the field.
final class Messages {
    private static final Duration LONGEST = Duration.ofDays(1);

    private Messages() {}

    /// @param callDeadline the gRPC call's own; null without one
    static GenerationCall call(
            GenerateRequest request,
            Tenant tenant,
            @Nullable Instant callDeadline,
            int defaultMaxTokens,
            InstantSource clock) {
        List<AdapterChoice> adapters = new ArrayList<>();
        for (AdapterRef adapter : request.getAdaptersList()) {
            adapters.add(adapter(adapter));
        }
        return new GenerationCall(
                request.hasRequestId() ? request.getRequestId() : null,
                tenant,
                prompt(request.getPrompt()),
                adapters,
                sampling(request.getSampling(), defaultMaxTokens),
                deadline(request, callDeadline, clock.instant()),
                request.hasN() ? request.getN() : 1,
                request.getPriority(),
                request.hasCacheSalt() ? request.getCacheSalt() : null,
                request.getProvisionalAttribution());
    }

    private static Instant deadline(GenerateRequest request, @Nullable Instant callDeadline, Instant now) {
        Instant deadline = now.plus(LONGEST);
        if (request.hasDeadline()) {
            Duration duration = Duration.ofNanos(Durations.toNanos(request.getDeadline()));
            if (duration.isNegative() || duration.isZero() || duration.compareTo(LONGEST) > 0) {
                throw new IllegalArgumentException(
                        "deadline is %s: allowed is above 0 and up to %d s".formatted(duration, LONGEST.toSeconds()));
            }
            deadline = now.plus(duration);
        }
        return callDeadline != null && callDeadline.isBefore(deadline) ? callDeadline : deadline;
    }

    private static AdapterChoice adapter(AdapterRef adapter) {
        int scalePpm = AdapterChoice.scalePpm(adapter.hasScale() ? adapter.getScale() : 1);
        return switch (adapter.getAdapterCase()) {
            case NAME -> new AdapterChoice.ByName(adapter.getName(), scalePpm);
            case DIGEST -> new AdapterChoice.ByDigest(Digest.parse(adapter.getDigest()), scalePpm);
            case ADAPTER_NOT_SET -> throw new IllegalArgumentException("an adapter has neither name nor digest");
        };
    }

    static PromptInput prompt(Prompt prompt) {
        return switch (prompt.getPromptCase()) {
            case TEXT -> new PromptInput.Text(prompt.getText());
            case TOKENS -> new PromptInput.Tokens(prompt.getTokens().getIdsList());
            case MESSAGES ->
                new PromptInput.Chat(prompt.getMessages().getMessagesList().stream()
                        .map(message -> new PromptInput.Turn(message.getRole(), message.getContent()))
                        .toList());
            case PROMPT_NOT_SET ->
                throw new IllegalArgumentException("the prompt is missing: give text, tokens or messages");
        };
    }

    private static SamplingParams sampling(org.openlora.api.v1.SamplingParams sampling, int defaultMaxTokens) {
        SamplingParams.Builder params = SamplingParams.builder(
                        sampling.hasMaxTokens() ? sampling.getMaxTokens() : defaultMaxTokens)
                .minTokens(sampling.getMinTokens())
                .temperature(sampling.getTemperature())
                .topK(sampling.getTopK())
                .topP(sampling.hasTopP() ? sampling.getTopP() : 1)
                .minP(sampling.getMinP())
                .repetitionPenalty(sampling.hasRepetitionPenalty() ? sampling.getRepetitionPenalty() : 1)
                .presencePenalty(sampling.getPresencePenalty())
                .frequencyPenalty(sampling.getFrequencyPenalty())
                .seed(
                        sampling.hasSeed()
                                ? sampling.getSeed()
                                : ThreadLocalRandom.current().nextLong())
                .stop(sampling.getStopList())
                .stopTokenIds(sampling.getStopTokenIdsList())
                .includeStop(sampling.getIncludeStopStrInOutput())
                .ignoreEos(sampling.getIgnoreEos());
        sampling.getLogitBiasMap().forEach(params::logitBias);
        if (sampling.hasLogprobs()) {
            params.logprobs(sampling.getLogprobs());
        }
        return params.build();
    }

    static Started started(Admission admission) {
        Started.Builder started = Started.newBuilder()
                .setRequestId(admission.requestId())
                .setBaseDigest(admission.baseDigest().toString())
                .setPromptTokens(admission.promptTokens());
        for (Admission.ResolvedAdapter adapter : admission.adapters()) {
            ResolvedAdapter.Builder resolved = ResolvedAdapter.newBuilder()
                    .setDigest(adapter.digest().toString())
                    .setScalePpm(adapter.scalePpm());
            if (adapter.name() != null) {
                resolved.setName(adapter.name());
            }
            if (!adapter.manifestDigest().isZero()) {
                resolved.setManifestDigest(adapter.manifestDigest().toString());
            }
            started.addAdapters(resolved);
        }
        return started.build();
    }

    static Delta delta(GenerationEvent.Delta event, boolean tokenIds) {
        Delta.Builder delta = Delta.newBuilder().setChoice(event.choice()).setText(event.text());
        if (tokenIds) {
            delta.addTokenIds(event.tokenId());
        }
        if (event.logprobs() != null) {
            delta.addLogprobs(logprobs(event.logprobs()));
        }
        return delta.build();
    }

    /// The text that was held back until the end.
    static Delta lastDelta(GenerationEvent.Finished event) {
        return Delta.newBuilder()
                .setChoice(event.choice())
                .setText(event.text())
                .build();
    }

    static ProvisionalAttribution attributed(GenerationEvent.Attributed event) {
        ProvisionalSpan span = event.span();
        ProvisionalAttribution.Builder attribution = ProvisionalAttribution.newBuilder()
                .setChoice(event.choice())
                .setStart(span.start())
                .setLength(span.length())
                .setRarityBits(span.rarityBits())
                .setSourceCount(span.sourceCount());
        for (ProvisionalSpan.Origin origin : span.origins()) {
            attribution.addSources(ProvisionalSource.newBuilder()
                    .setDatanet(Sha256.text(origin.datanet()))
                    .setContributor(origin.contributor().toString())
                    .setRow(origin.row()));
        }
        return attribution.build();
    }

    private static TokenLogprobs logprobs(org.openlora.engine.sampling.TokenLogprobs logprobs) {
        TokenLogprobs.Builder builder = TokenLogprobs.newBuilder().setDrawn(logprob(logprobs.drawn()));
        logprobs.top().forEach(token -> builder.addTop(logprob(token)));
        return builder.build();
    }

    private static TokenLogprob logprob(org.openlora.engine.sampling.TokenLogprobs.TokenLogprob logprob) {
        return TokenLogprob.newBuilder()
                .setTokenId(logprob.tokenId())
                .setLogprob(logprob.logprob())
                .build();
    }

    static Finished finished(GenerationEvent.Finished event) {
        Usage.Builder usage = Usage.newBuilder()
                .setPromptTokens(event.usage().promptTokens().length)
                .setCachedTokens(event.usage().cachedTokens())
                .setGeneratedTokens(event.usage().generatedTokens())
                .setDiscardedTokens(event.usage().discardedTokens());
        event.usage()
                .adapters()
                .forEach(use -> usage.addAdapters(AdapterUsage.newBuilder()
                        .setDigest(use.adapter().digest().toString())
                        .setTokens(use.tokens())));
        return Finished.newBuilder()
                .setChoice(event.choice())
                .setFinishReason(reason(event.reason()))
                .setUsage(usage)
                .setAcknowledgement(
                        acknowledgement(event.acknowledgement(), event.usage().salt()))
                .build();
    }

    private static UsageAcknowledgement acknowledgement(SignedAcknowledgement signed, Bytes32 salt) {
        UsageAcknowledgement.Builder builder = UsageAcknowledgement.newBuilder()
                .setPayload(ByteString.copyFrom(signed.toJson()))
                .setSignature(ByteString.copyFrom(signed.signature().bytes()))
                .setIncludeBy(Timestamps.fromMillis(signed.acknowledgement().includeBy()))
                .setPromptHash(ByteString.copyFrom(
                        signed.acknowledgement().promptHash().bytes()))
                .setOutputHash(ByteString.copyFrom(
                        signed.acknowledgement().outputHash().bytes()))
                .setSalt(ByteString.copyFrom(salt.bytes()));
        signed.signer().ifPresent(address -> builder.setOperator(address.toString()));
        return builder.build();
    }

    private static FinishReason reason(org.openlora.engine.FinishReason reason) {
        return switch (reason) {
            case STOP -> FinishReason.FINISH_REASON_STOP;
            case LENGTH -> FinishReason.FINISH_REASON_LENGTH;
            case ABORT -> FinishReason.FINISH_REASON_ABORT;
            case DEADLINE -> FinishReason.FINISH_REASON_DEADLINE;
        };
    }

    static Model model(ServedModel model) {
        return Model.newBuilder()
                .setName(model.name())
                .setBaseDigest(model.baseDigest().toString())
                .setTokenizerDigest(model.tokenizerDigest().toString())
                .setContextLength(model.contextLength())
                .setArchitecture(model.architecture())
                .setNumericPath(model.numericPath())
                .build();
    }
}
