/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sockets that reserve a port of the host. They are bound, but neither listen nor are they read. */

#pragma once

#include "containers/spec/port.h"

#include "base/error.h"

/* FailedPrecondition unless the port's address is a local one. */
bool berth_port_check_address(const BerthPort *port, GError **error);

/* Binds the port, or one that the kernel chooses if its number is 0. Returns a descriptor that the
 * caller owns, or -1 with errno. */
int berth_port_socket_bind(const BerthPort *port);
/* The port number that the socket is bound to; 0 if it cannot be determined. */
unsigned berth_port_socket_get_port(int fd);
/* Returns true if fd is a socket that berth_port_socket_bind() would create for this port. */
bool berth_port_socket_is_for(int fd, const BerthPort *port);
