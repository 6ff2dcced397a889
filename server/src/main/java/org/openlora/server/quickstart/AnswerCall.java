package org.openlora.server.quickstart;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import org.openlora.api.v1.AdapterRef;
import org.openlora.api.v1.ChatMessage;
import org.openlora.api.v1.ChatMessages;
import org.openlora.api.v1.GenerateRequest;
import org.openlora.api.v1.GenerateResponse;
import org.openlora.api.v1.InferenceGrpc.InferenceBlockingStub;
import org.openlora.api.v1.Prompt;
import org.openlora.api.v1.SamplingParams;
import org.openlora.server.problem.Problem;

/// One request of the plan, sent as any client would.
///
/// @param index its place on the board
record AnswerCall(InferenceBlockingStub client, QuickstartPlan.Item item, int index, AnswerBoard board)
        implements Callable<Answer> {
    private static final int MAX_TOKENS = 64;

    @Override
    public Answer call() {
        StringBuilder text = new StringBuilder();
        List<Integer> tokens = new ArrayList<>();
        String requestId = "";
        String adapterDigest = "";
        int billed = -1;
        Iterator<GenerateResponse> events = client.generate(request());
        while (events.hasNext()) {
            GenerateResponse event = events.next();
            switch (event.getEventCase()) {
                case STARTED -> {
                    requestId = event.getStarted().getRequestId();
                    adapterDigest = event.getStarted().getAdaptersCount() == 0
                            ? ""
                            : event.getStarted().getAdapters(0).getDigest();
                }
                case DELTA -> {
                    text.append(event.getDelta().getText());
                    tokens.addAll(event.getDelta().getTokenIdsList());
                    board.append(index, event.getDelta().getText());
                }
                case FINISHED -> billed = event.getFinished().getUsage().getGeneratedTokens();
                // Not asked for, and events of a newer server.
                case ATTRIBUTION, EVENT_NOT_SET -> {}
            }
        }
        board.end(index);
        if (billed != tokens.size()) {
            throw new Problem(
                    "%d tokens were streamed for %s and %d billed".formatted(tokens.size(), item.label(), billed),
                    "please report this");
        }
        return new Answer(item, requestId, adapterDigest, text.toString().strip(), tokens);
    }

    private GenerateRequest request() {
        GenerateRequest.Builder request = GenerateRequest.newBuilder()
                .setPrompt(Prompt.newBuilder()
                        .setMessages(ChatMessages.newBuilder()
                                .addMessages(
                                        ChatMessage.newBuilder().setRole("user").setContent(item.prompt()))))
                .setSampling(SamplingParams.newBuilder().setMaxTokens(MAX_TOKENS))
                .setReturnTokenIds(true);
        if (item.adapter() != null) {
            request.addAdapters(AdapterRef.newBuilder().setName(item.adapter()));
        }
        return request.build();
    }
}
