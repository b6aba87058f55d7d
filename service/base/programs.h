/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs that podman's packages bring and that networks are made with: netavark, aardvark-dns. */

#pragma once

#include <glib.h>

/* Its path, in the directories in which distributions have it; NULL if it is not installed. Caller
 * frees. */
char *berth_program_find(const char *name);

/* The same for a plugin of CNI. A name with a slash would lead out of the directories of plugins,
 * and is not found. */
char *berth_cni_plugin_find(const char *name);

/* As CNI_PATH has them (SPEC.md). */
#define BERTH_CNI_PLUGIN_PATH "/usr/lib/cni:/opt/cni/bin:/usr/libexec/cni"
