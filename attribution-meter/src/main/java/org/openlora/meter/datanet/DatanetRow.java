package org.openlora.meter.datanet;

import org.jspecify.annotations.Nullable;

/// One row of a datanet.
///
/// @param contributor index into [Datanet#contributors]
/// @param prompt what was asked, where the row is an answer; never searched for evidence
/// @param text the contributed text; the only part that is searched
public record DatanetRow(int contributor, @Nullable String prompt, String text) {}
