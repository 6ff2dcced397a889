/// Failures that a user can do something about.
///
/// Starting points: [org.openlora.server.problem.Problem].
@NullMarked
package org.openlora.server.problem;

import org.jspecify.annotations.NullMarked;
