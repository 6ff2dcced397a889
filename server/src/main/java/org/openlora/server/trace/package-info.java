/// A receipt read backwards: the answer's text with each piece in the colour of whose text it is, and what everybody is
/// paid, for the terminal, as a page and as JSON.
///
/// Starting points: [TraceDesk], [Trace].
@NullMarked
package org.openlora.server.trace;

import org.jspecify.annotations.NullMarked;
