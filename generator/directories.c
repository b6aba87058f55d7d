/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The directories of unit files, in the order of their precedence. There is no state. */

#include "generator/sources.h"

#include <unistd.h>

#define PODMAN_GENERATOR "/usr/lib/systemd/system-generators/podman-system-generator"
#define PODMAN_USER_GENERATOR "/usr/lib/systemd/user-generators/podman-user-generator"

static void add_directory(GPtrArray *list, char *directory) {
    g_ptr_array_add(list, directory);
}

/* In the order of precedence. podman's directories are left to podman's own generator if that is
 * installed: otherwise two generators would write the same unit. */
static void add_system_directories(GPtrArray *list) {
    add_directory(list, g_strdup("/etc/berth/units"));
    add_directory(list, g_strdup("/run/berth/units"));
    add_directory(list, g_strdup("/usr/lib/berth/units"));
    if (access(PODMAN_GENERATOR, F_OK) == 0)
        return;
    add_directory(list, g_strdup("/run/containers/systemd"));
    add_directory(list, g_strdup("/etc/containers/systemd"));
    add_directory(list, g_strdup("/usr/share/containers/systemd"));
}

/* Files of an administrator or a distribution for all users, or for one, are in "users" below the
 * system's directories. */
static void add_user_directories(GPtrArray *list) {
    const char *config = g_get_user_config_dir(), *runtime = g_getenv("XDG_RUNTIME_DIR");
    unsigned uid = (unsigned)getuid();

    add_directory(list, g_build_filename(config, "berth/units", NULL));
    if (runtime)
        add_directory(list, g_build_filename(runtime, "berth/units", NULL));
    add_directory(list, g_strdup_printf("/etc/berth/units/users/%u", uid));
    add_directory(list, g_strdup("/etc/berth/units/users"));
    add_directory(list, g_strdup_printf("/usr/lib/berth/units/users/%u", uid));
    add_directory(list, g_strdup("/usr/lib/berth/units/users"));
    if (access(PODMAN_USER_GENERATOR, F_OK) == 0)
        return;
    if (runtime)
        add_directory(list, g_build_filename(runtime, "containers/systemd", NULL));
    add_directory(list, g_build_filename(config, "containers/systemd", NULL));
    add_directory(list, g_strdup_printf("/etc/containers/systemd/users/%u", uid));
    add_directory(list, g_strdup("/etc/containers/systemd/users"));
    add_directory(list, g_strdup_printf("/usr/share/containers/systemd/users/%u", uid));
    add_directory(list, g_strdup("/usr/share/containers/systemd/users"));
}

char **berth_unit_directories(BerthUnitScope scope) {
    g_autoptr(GPtrArray) list = g_ptr_array_new();
    const char *given = g_getenv("BERTH_UNIT_DIRS");

    if (given)
        return g_strsplit(given, ":", 64);
    if (scope == BERTH_UNITS_USER)
        add_user_directories(list);
    else
        add_system_directories(list);
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&list), FALSE);
}
