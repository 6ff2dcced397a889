/// PEFT's LoRA format, faithfully: which modules an adapter changes, by which low-rank pair, and how strongly.
///
/// What cannot be honoured is refused by name, never ignored.
///
/// Starting points:
/// - [org.openlora.adapters.peft.PeftConfig]: `adapter_config.json`.
/// - [org.openlora.adapters.peft.PeftAdapter]: a folder, checked against a base and digested.
@NullMarked
package org.openlora.adapters.peft;

import org.jspecify.annotations.NullMarked;
