package org.openlora.adapters.transfer;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.Collection;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.openlora.adapters.transfer.TransferException.Kind;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Which addresses may be asked, so that nobody makes this server ask its own neighbours: `https` to public addresses,
/// and whatever the operator named. Asked before each request, redirects included.
public final class AddressRules {
    private static final Logger LOG = LoggerFactory.getLogger(AddressRules.class);

    private final boolean everything;
    private final Set<String> privateHosts;

    private AddressRules(boolean everything, Set<String> privateHosts) {
        this.everything = everything;
        this.privateHosts = privateHosts;
    }

    /// No rule: for what the operator alone decides.
    public static AddressRules unrestricted() {
        return new AddressRules(true, Set.of());
    }

    /// Public addresses by `https`, and these hosts wherever they are, also by `http`.
    ///
    /// @param privateHosts `host` for its usual ports, or `host:port`
    public static AddressRules publicAnd(Collection<String> privateHosts) {
        return new AddressRules(
                false,
                privateHosts.stream().map(host -> host.toLowerCase(Locale.ROOT)).collect(Collectors.toUnmodifiableSet()));
    }

    /// The name by which [#publicAnd] knows a URI's host.
    public static String hostOf(URI uri) {
        String host = String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT);
        return uri.getPort() < 0 ? host : host + ":" + uri.getPort();
    }

    /// Throws [TransferException] with kind `REFUSED` where the URI must not be asked.
    void check(URI uri) {
        String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
        if (uri.getHost() == null || !(scheme.equals("https") || scheme.equals("http"))) {
            throw refused(uri, "is no http or https address");
        }
        if (everything || privateHosts.contains(hostOf(uri))) {
            return;
        }
        if (!scheme.equals("https")) {
            throw refused(uri, "is not reached by https");
        }
        for (InetAddress address : resolve(uri.getHost())) {
            if (!isPublic(address)) {
                throw refused(uri, "is in a private network");
            }
        }
    }

    /// A name that this machine cannot resolve is for a proxy to resolve, or leads nowhere.
    private static InetAddress[] resolve(String host) {
        try {
            return InetAddress.getAllByName(host);
        } catch (UnknownHostException e) {
            LOG.debug("{} does not resolve here", host, e);
            return new InetAddress[0];
        }
    }

    static boolean isPublic(InetAddress address) {
        if (address.isAnyLocalAddress()
                || address.isLoopbackAddress()
                || address.isLinkLocalAddress()
                || address.isSiteLocalAddress()
                || address.isMulticastAddress()) {
            return false;
        }
        byte[] bytes = address.getAddress();
        int first = bytes[0] & 0xff;
        int second = bytes[1] & 0xff;
        if (address instanceof Inet6Address) {
            boolean uniqueLocal = (first & 0xfe) == 0xfc; // RFC 4193
            boolean translated = (first == 0x20 && second == 0x02) // 6to4 and NAT64 hold an IPv4 address
                    || (first == 0 && second == 0x64 && bytes[2] == (byte) 0xff && bytes[3] == (byte) 0x9b);
            boolean unassigned = first == 0 && !translated;
            return !uniqueLocal && !translated && !unassigned;
        }
        boolean thisNetwork = first == 0;
        boolean carrierGrade = first == 100 && (second & 0xc0) == 64; // RFC 6598
        boolean protocols = first == 192 && second == 0 && bytes[2] == 0; // RFC 6890
        boolean benchmarking = first == 198 && (second & 0xfe) == 18; // RFC 2544
        boolean reserved = first >= 240;
        return !thisNetwork && !carrierGrade && !protocols && !benchmarking && !reserved;
    }

    private static TransferException refused(URI uri, String why) {
        return new TransferException(
                Kind.REFUSED, "%s %s, which is not allowed here".formatted(hostOf(uri), why));
    }
}
