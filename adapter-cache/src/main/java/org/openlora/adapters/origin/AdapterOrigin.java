package org.openlora.adapters.origin;

import java.net.URI;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.openlora.adapters.AdapterException;
import org.openlora.adapters.AdapterException.Code;
import org.openlora.adapters.Digest;
import org.openlora.adapters.OneLine;

/// A place that holds the files of one adapter. Its text form, which `toString` writes and [#parse] reads, holds no secret:
///
/// - `file:///srv/adapters/legal`
/// - `hf://owner/name@revision/sub/folder`; without `@revision` it is `main`, a slash in it is written `%2F`
/// - `s3://bucket/some/prefix`
/// - `https://host/folder/#adapter_config.json=<sha256>&adapter_model.safetensors=<sha256>`
///
/// Where an origin names an adapter it does not say which content: that is what a [Digest] is for.
public sealed interface AdapterOrigin {
    /// Reads the text form; throws [AdapterException] with code `INVALID` that says what is wrong.
    static AdapterOrigin parse(String text) {
        return OriginText.parse(text);
    }

    /// A folder of this machine.
    ///
    /// @param folder absolute and normalised
    record LocalFolder(Path folder) implements AdapterOrigin {
        public LocalFolder {
            if (!folder.isAbsolute()) {
                throw invalid("folder " + OneLine.quote(folder.toString()) + " is not an absolute path");
            }
            folder = folder.normalize();
        }

        @Override
        public String toString() {
            return OriginText.of(this);
        }
    }

    /// A folder of a repository in the layout of the Hugging Face hub.
    ///
    /// @param repository `owner/name`
    /// @param revision a branch, a tag or a commit
    /// @param subfolder with `/` between its parts; empty for the repository's top
    record HubRepository(String repository, String revision, String subfolder) implements AdapterOrigin {
        private static final Pattern REPOSITORY =
                Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}");
        private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._/-]{0,199}");
        private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

        public HubRepository {
            if (!REPOSITORY.matcher(repository).matches() || repository.contains("..")) {
                throw invalid("repository " + OneLine.quote(repository)
                        + " is not owner/name, each of letters, digits, '.', '_' and '-'");
            }
            if (!REVISION.matcher(revision).matches()
                    || revision.contains("..")
                    || revision.contains("//")
                    || revision.endsWith("/")) {
                throw invalid("revision " + OneLine.quote(revision) + " is not a branch, tag or commit");
            }
            OriginText.checkSegments("subfolder", subfolder);
        }

        /// Whether the revision is a commit, which never moves.
        public boolean isPinned() {
            return COMMIT.matcher(revision).matches();
        }

        public HubRepository at(String otherRevision) {
            return new HubRepository(repository, otherRevision, subfolder);
        }

        @Override
        public String toString() {
            return OriginText.of(this);
        }
    }

    /// The objects below a prefix of an S3-compatible bucket.
    ///
    /// @param prefix without a slash at either end; empty for the whole bucket
    record S3Prefix(String bucket, String prefix) implements AdapterOrigin {
        private static final Pattern BUCKET = Pattern.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]");

        public S3Prefix {
            if (!BUCKET.matcher(bucket).matches() || bucket.contains("..")) {
                throw invalid("bucket " + OneLine.quote(bucket)
                        + " is not 3 to 63 of a-z, 0-9, '.' and '-', with a letter or digit at each end");
            }
            OriginText.checkSegments("prefix", prefix);
        }

        @Override
        public String toString() {
            return OriginText.of(this);
        }
    }

    /// Files below an HTTPS address, each with the hash that it must have.
    ///
    /// @param base ends with a slash; without user, query and fragment, where secrets would hide. Whether `http` is
    ///     allowed is the fetcher's to say.
    /// @param sha256 by file name: the config, the weights or their index and shards, maybe the manifest
    record HttpsFiles(URI base, SortedMap<String, Digest> sha256) implements AdapterOrigin {
        public HttpsFiles {
            OriginText.checkBase(base);
            sha256 = Collections.unmodifiableSortedMap(new TreeMap<>(sha256));
            AdapterFiles.check(sha256.keySet());
        }

        public HttpsFiles(URI base, Map<String, Digest> sha256) {
            this(base, new TreeMap<>(sha256));
        }

        @Override
        public String toString() {
            return OriginText.of(this);
        }
    }

    private static AdapterException invalid(String what) {
        return new AdapterException(Code.INVALID, "adapter origin: " + what);
    }
}
