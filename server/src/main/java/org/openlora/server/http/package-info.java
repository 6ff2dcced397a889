/// The HTTP surface: the completions API that OpenAI's clients, vLLM's clients and load generators speak.
///
/// Starting points: [org.openlora.server.http.HttpSurface], [org.openlora.server.http.CompletionService],
/// [org.openlora.server.http.StreamedReply].
@NullMarked
package org.openlora.server.http;

import org.jspecify.annotations.NullMarked;
