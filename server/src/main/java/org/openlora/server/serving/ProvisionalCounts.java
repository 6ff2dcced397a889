package org.openlora.server.serving;

/// What became of the tokens whose attribution was asked for while their answers grew.
///
/// @param looked tokens searched for
/// @param dropped tokens passed over because too many waited
public record ProvisionalCounts(long looked, long dropped) {}
