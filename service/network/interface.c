/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A bridge uses the lowest hardware address of its ports, and changes to another one when that port
 * is removed (br_stp_recalculate_bridge_id()). Containers that remember the old address cannot
 * reach the host until they ask again. An address that has been set explicitly is kept, even if it
 * is the same (NET_ADDR_SET). There is no state here.
 */

#include "network/interface.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

bool berth_interface_has_ports(const char *bridge) {
    g_autofree char *path = g_build_filename("/sys/class/net", bridge, "brif", NULL);
    g_autoptr(GDir) list = g_dir_open(path, 0, NULL);

    return list && g_dir_read_name(list);
}

bool berth_interface_pin(const char *bridge, GError **error) {
    berth_autofd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {0};

    g_strlcpy(request.ifr_name, bridge, sizeof request.ifr_name);
    return (fd >= 0 && ioctl(fd, SIOCGIFHWADDR, &request) == 0 &&
            ioctl(fd, SIOCSIFHWADDR, &request) == 0) ||
           berth_error_set_errno(error, errno, "set the hardware address of %s", bridge);
}

/* A socket stays in the network namespace in which it was created (network_namespaces(7)). If this
 * process cannot return to its own namespace, it exits: it would otherwise write its rules in the
 * container's. */
static int open_socket_in(int namespace) {
    berth_autofd int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    if (own < 0 || setns(namespace, CLONE_NEWNET) < 0)
        return -1;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (setns(own, CLONE_NEWNET) < 0)
        exit(EXIT_FAILURE);
    return fd;
}

char *berth_interface_read_address(pid_t pid, const char *name) {
    g_autofree char *path = g_strdup_printf("/proc/%d/ns/net", (int)pid);
    berth_autofd int namespace = open(path, O_RDONLY | O_CLOEXEC);
    berth_autofd int fd = namespace < 0 ? -1 : open_socket_in(namespace);
    struct ifreq request = {0};

    g_strlcpy(request.ifr_name, name, sizeof request.ifr_name);
    if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
        return NULL;
    const unsigned char *bytes = (const unsigned char *)request.ifr_hwaddr.sa_data;
    return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2], bytes[3],
                           bytes[4], bytes[5]);
}
