/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs that set up networks and that podman's packages install: netavark, aardvark-dns. */

#pragma once

#include <glib.h>

/* Returns the program's path in one of the directories used by distributions; NULL if it is not
 * installed. The caller frees it. */
char *berth_program_find(const char *name);

/* Like berth_program_find, for a CNI plugin. A name with a slash, which would lead out of the
 * plugin directories, is not found. */
char *berth_cni_plugin_find(const char *name);

/* In the form of CNI_PATH (SPEC.md). */
#define BERTH_CNI_PLUGIN_PATH "/usr/lib/cni:/opt/cni/bin:/usr/libexec/cni"
