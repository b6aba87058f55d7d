/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* /etc/hosts, /etc/hostname and /etc/resolv.conf of a container, kept in its directory and written
 * again at every start. */

#pragma once

#include "base/error.h"

/* Lists may be NULL. */
typedef struct {
    const char *hostname;
    const char *network;      /* as given to Create */
    char *const *addresses;   /* of its network, known before the start */
    char *const *own_servers; /* name servers of its network; NULL: the host's, or servers */
    char *const *servers, *const *search, *const *options; /* as given to Create */
    char *const *hosts;                                    /* "NAME:ADDRESS" */
    const char *gateway; /* "host-gateway"; NULL if there is none */
} BerthContainerFiles;

bool berth_container_files_write(int directory, const char *id, const BerthContainerFiles *files,
                                 GError **error);
