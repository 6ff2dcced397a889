/// Which adapters there are, by name and by digest: the folders under the adapter root, and what tenants
/// registered.
///
/// Starting points:
/// - [org.openlora.adapters.registry.AdapterRegistry]: all that others use.
/// - [org.openlora.adapters.registry.AdapterVersion]: what a name stands for at a moment.
/// - `NameIndex` answers look-ups, `Registrar` makes changes durable and seen, `RegistryDatabase` keeps them.
/// - `FolderScanner` finds changed folders, `FolderReader` reads them, `FolderWatch` says when.
/// - `FetchedAdapters` brings registered adapters here.
@NullMarked
package org.openlora.adapters.registry;

import org.jspecify.annotations.NullMarked;
