/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mount.berth: dist under another name, for mount(8). */

#pragma once

#include <stdbool.h>

/* Whether dist was invoked by that name. */
bool dist_mount_helper_is(const char *program);

/* Mounts the image that argv names and prints errors itself. Returns an exit status of mount(8). */
int dist_mount_helper_run(int argc, char **argv);
