package org.openlora.server.adapters;

import java.util.List;

/// A part of a list.
///
/// @param next the last name of this page, where more follow; empty where none do
public record AdapterPage(List<AdapterStatus> adapters, String next) {
    public AdapterPage {
        adapters = List.copyOf(adapters);
    }
}
