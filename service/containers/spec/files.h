/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /etc/hostname, /etc/hosts and /etc/resolv.conf of a container. They are kept in its directory;
 * the first is written when the container is created, the others at every start.
 */

#pragma once

#include "base/error.h"

/* The lists may be NULL. */
typedef struct {
    const char *hostname;
    const char *network;      /* as given to Create */
    char *const *addresses;   /* in its network, known before the start */
    char *const *own_servers; /* name servers of its network; NULL to use servers, or the host's */
    char *const *servers, *const *search, *const *options; /* as given to Create */
    char *const *hosts;                                    /* "NAME:ADDRESS" */
    const char *gateway; /* the address of BERTH_HOST_GATEWAY; NULL if there is none */
} BerthContainerFiles;

/* Makes the directory of the files and writes the host name. */
bool berth_container_files_create(int directory, const char *id, const char *hostname,
                                  GError **error);
bool berth_container_files_write(int directory, const char *id, const BerthContainerFiles *files,
                                 GError **error);
/* Writes those of another container, with a line for this one's host name. */
bool berth_container_files_copy(int directory, const char *from, const char *id, GError **error);
