/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A socket that reserves one port. There is no state here, and the caller owns the descriptor. The
 * one thing to know: as long as the socket is bound, the kernel gives the port to nobody else.
 * ports.c only compares what the kernel cannot check: ports of protocols that it does not
 * support.
 */

#include "containers/parts/port-socket.h"

#include "base/fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>

/* bind(2) also accepts multicast addresses and, with ip_nonlocal_bind (ip(7)), any address at all.
 * All of 127.0.0.0/8 is local, although getifaddrs(3) lists only the address of lo. */
static bool is_local(int family, const void *address) {
    size_t size = family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
    struct ifaddrs *list = NULL;
    bool found = false;

    if (family == AF_INET && (*(const uint8_t *)address == 127 || *(const uint32_t *)address == 0))
        return true;
    if (family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED((const struct in6_addr *)address))
        return true;
    if (getifaddrs(&list) < 0)
        return false;
    for (struct ifaddrs *entry = list; entry && !found; entry = entry->ifa_next) {
        if (!entry->ifa_addr || entry->ifa_addr->sa_family != family)
            continue;
        const void *own = family == AF_INET
                              ? (void *)&((struct sockaddr_in *)entry->ifa_addr)->sin_addr
                              : (void *)&((struct sockaddr_in6 *)entry->ifa_addr)->sin6_addr;
        found = memcmp(own, address, size) == 0;
    }
    freeifaddrs(list);
    return found;
}

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} Address;

static Address make_address(const BerthPort *port, int family) {
    Address address = {.any.sa_family = (sa_family_t)family};

    if (family == AF_INET) {
        address.v4.sin_port = htons((uint16_t)port->host);
        (void)inet_pton(AF_INET, port->address, &address.v4.sin_addr);
    } else {
        address.v6.sin6_port = htons((uint16_t)port->host);
        (void)inet_pton(AF_INET6, port->address, &address.v6.sin6_addr);
    }
    return address;
}

/* No process reads the socket: a filter that returns 0 drops datagrams that still reach the port,
 * instead of queuing them (socket(7), SO_ATTACH_FILTER). */
static void drop_all(int fd) {
    struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    const struct sock_fprog program = {1, &drop};

    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

static int bind_family(const BerthPort *port, int family, bool only) {
    static const int on = 1, off = 0;
    bool udp = g_str_equal(port->protocol, "udp");
    Address address = make_address(port, family);
    /* SO_REUSEADDR is not set: with it, two sockets that do not listen could share a port. */
    berth_autofd int fd = socket(family, (udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC,
                                 g_str_equal(port->protocol, "sctp") ? IPPROTO_SCTP : 0);

    if (fd < 0)
        return -1;
    if (udp)
        drop_all(fd);
    if (family == AF_INET6 &&
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, only ? &on : &off, sizeof on) < 0)
        return -1;
    if (bind(fd, &address.any, family == AF_INET ? sizeof address.v4 : sizeof address.v6) < 0)
        return -1;
    return berth_fd_steal(&fd);
}

/* Without an address, one IPv6 socket covers both families (ipv6(7), IPV6_V6ONLY); on a host
 * without IPv6, an IPv4 socket is used. */
int berth_port_socket_bind(const BerthPort *port) {
    bool all = port->address[0] == '\0';
    int family = all || strchr(port->address, ':') ? AF_INET6 : AF_INET;
    int fd = bind_family(port, family, !all);

    if (fd < 0 && all && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
        fd = bind_family(port, AF_INET, false);
    return fd;
}

bool berth_port_check_address(const BerthPort *port, GError **error) {
    int family = strchr(port->address, ':') ? AF_INET6 : AF_INET;
    Address address = make_address(port, family);

    return !port->address[0] ||
           is_local(family, family == AF_INET ? (void *)&address.v4.sin_addr
                                              : (void *)&address.v6.sin6_addr) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION,
                           "cannot publish port %u/%s: %s is not an address of this machine",
                           port->host, port->protocol, port->address);
}

unsigned berth_port_socket_get_port(int fd) {
    Address address = {0};
    socklen_t size = sizeof address;

    /* sin6_port is at the same offset as sin_port. */
    return getsockname(fd, &address.any, &size) < 0 ? 0 : ntohs(address.v4.sin_port);
}

static int get_option(int fd, int level, int option) {
    socklen_t size = sizeof(int);
    int value = -1;

    return getsockopt(fd, level, option, &value, &size) == 0 ? value : -1;
}

bool berth_port_socket_is_for(int fd, const BerthPort *port) {
    int protocol = g_str_equal(port->protocol, "tcp")   ? IPPROTO_TCP
                   : g_str_equal(port->protocol, "udp") ? IPPROTO_UDP
                                                        : IPPROTO_SCTP;
    bool all = port->address[0] == '\0';
    Address address = {0};
    socklen_t size = sizeof address;

    if (getsockname(fd, &address.any, &size) < 0 ||
        get_option(fd, SOL_SOCKET, SO_PROTOCOL) != protocol)
        return false;
    int family = address.any.sa_family;
    const Address wanted = make_address(port, family);
    if (family == AF_INET)
        return !strchr(port->address, ':') && address.v4.sin_port == wanted.v4.sin_port &&
               address.v4.sin_addr.s_addr == wanted.v4.sin_addr.s_addr;
    return (all || strchr(port->address, ':')) &&
           get_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == !all &&
           address.v6.sin6_port == wanted.v6.sin6_port &&
           IN6_ARE_ADDR_EQUAL(&address.v6.sin6_addr, &wanted.v6.sin6_addr);
}
