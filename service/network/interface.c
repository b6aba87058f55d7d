/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A bridge has the lowest hardware address of its ports, and takes another one when that port goes
 * (br_stp_recalculate_bridge_id()). Containers that remember the old one then do not reach the host
 * until they ask again. An address that was set, be it the same, stays (NET_ADDR_SET).
 */

#include "network/interface.h"

#include "base/fd.h"

#include <errno.h>
#include <net/if.h>
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
