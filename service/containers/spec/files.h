/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* /etc/hosts, /etc/hostname and /etc/resolv.conf of a container, kept in its directory and written
 * anew at every start. */

#pragma once

#include "base/error.h"

/* addresses: of its networks, NULL for none. network: as given to Create. */
bool berth_container_files_write(int directory, const char *id, const char *hostname,
                                 const char *network, char *const *addresses, GError **error);
