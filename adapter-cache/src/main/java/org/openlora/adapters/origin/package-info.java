/// Where adapters come from: folders, repositories in the layout of the Hugging Face hub, S3 prefixes, HTTPS files.
///
/// Starting points:
/// - [org.openlora.adapters.origin.AdapterOrigin]: the places, and their textual form.
/// - [org.openlora.adapters.origin.AdapterFetcher]: brings an adapter's files here.
@NullMarked
package org.openlora.adapters.origin;

import org.jspecify.annotations.NullMarked;
