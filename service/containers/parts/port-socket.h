/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sockets that reserve a port of the host: they are bound, and neither listen nor are read. */

#pragma once

#include "containers/spec/port.h"

#include "base/error.h"

/* FailedPrecondition unless the port's address is one of this machine. */
bool berth_port_check_address(const BerthPort *port, GError **error);

/* Binds the port, or one that the kernel chooses if its number is 0. -1 with errno. */
int berth_port_socket_bind(const BerthPort *port);
/* The number of the port that it is bound to; 0 if that cannot be read. */
unsigned berth_port_socket_get_port(int fd);
/* Whether berth_port_socket_bind() would make such a socket. */
bool berth_port_socket_is_for(int fd, const BerthPort *port);
