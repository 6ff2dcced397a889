/// Files over HTTP: taken up again where they broke off, checked, bounded in bytes and time, and from no address that
/// is not allowed.
///
/// Starting points:
/// - [org.openlora.adapters.transfer.HttpTransfer]: fetches one file, or one small document.
/// - [org.openlora.adapters.transfer.HubClient]: the layout of the Hugging Face hub.
/// - [org.openlora.adapters.transfer.AddressRules]: which hosts may be asked.
@NullMarked
package org.openlora.adapters.transfer;

import org.jspecify.annotations.NullMarked;
