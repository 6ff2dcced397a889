/// Chat messages to the prompt that a model was trained on, by the model's own Jinja template.
///
/// Starting point: [org.openlora.engine.chat.ChatTemplate].
@NullMarked
package org.openlora.engine.chat;

import org.jspecify.annotations.NullMarked;
