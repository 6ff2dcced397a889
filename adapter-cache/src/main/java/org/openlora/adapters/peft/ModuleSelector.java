package org.openlora.adapters.peft;

import java.util.List;

/// Which modules `target_modules` or `exclude_modules` names.
public sealed interface ModuleSelector {
    /// A list: a module's whole path, or its last parts.
    ///
    /// @param names sorted by the bytes of their UTF-8 form, without duplicates
    record Names(List<String> names) implements ModuleSelector {
        public Names {
            names = List.copyOf(names);
        }
    }

    /// A string: a regular expression that the whole path must match.
    record Expression(String regex) implements ModuleSelector {}

    /// The word `all-linear`, in any case: every linear module but the head.
    record AllLinear(String word) implements ModuleSelector {}
}
