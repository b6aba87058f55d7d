/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Looks for programs in fixed directories, and not in PATH, which may come from a caller. There is
 * no state: a program that is installed later is found.
 */

#include "base/programs.h"

#include <string.h>
#include <unistd.h>

#define HELPER_PATH                                                                                \
    "/usr/local/libexec/podman:/usr/local/lib/podman:/usr/libexec/podman:/usr/lib/podman"

static char *find_in(const char *path, const char *name) {
    g_auto(GStrv) directories = g_strsplit(path, ":", -1);

    for (char **directory = directories; *directory && !strchr(name, '/'); directory++) {
        g_autofree char *file = g_build_filename(*directory, name, NULL);
        if (access(file, X_OK) == 0)
            return g_steal_pointer(&file);
    }
    return NULL;
}

char *berth_program_find(const char *name) {
    return find_in(HELPER_PATH, name);
}

char *berth_cni_plugin_find(const char *name) {
    return find_in(BERTH_CNI_PLUGIN_PATH, name);
}
