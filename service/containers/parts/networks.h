/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The networks that containers can be in by name: those that an administrator has written down in
 * /etc/cni/net.d, which are read when they are asked for. Joining them is berth-launch's
 * (launch/cni.c). */

#pragma once

#include <glib.h>

typedef struct {
    char *name;
    char *type;     /* of the first plugin: bridge, macvlan, … */
    char *file;     /* where it is written down */
    char **subnets; /* as the plugins' address management has them */
} BerthNetwork;

/* Of BerthNetwork, by their names; of several files with one name the first counts, as it does for
 * berth-launch. */
GPtrArray *berth_networks_list(void);
void berth_network_free(gpointer network);
