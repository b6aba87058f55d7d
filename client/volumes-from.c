/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * --volumes-from. The service returns the mounts of a container that the caller may see. Volumes
 * are mounted by name; a path on the host is opened by dist with the caller's own rights, as for
 * --volume. The container's own directories are not included: they have no name to mount them by.
 */

#include "client/volumes-from.h"

#include "client/bus.h"
#include "client/containers.h"
#include "client/dictionary.h"
#include "client/option.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    char ***volumes;     /* the list to append to */
    const char *options; /* given after the id; or NULL */
    GPtrArray *mounts;   /* SOURCE, PATH, OPTIONS, … as the service returns them */
    char **names;        /* of the container's volumes */
} VolumesFrom;

/* In a reply, Mounts may come before or after Volumes, so they are kept until both have been read.
 */
static int read_mount(sd_bus_message *message, void *userdata) {
    const VolumesFrom *from = userdata;
    DistContainerMount mount;
    int r = dist_container_read_mount(message, &mount);
    g_auto(GStrv) options = mount.options;

    if (r <= 0)
        return r;
    if (mount.kind == DIST_MOUNT_OF_PATH) {
        g_ptr_array_add(from->mounts, g_strdup(mount.source));
        g_ptr_array_add(from->mounts, g_strdup(mount.destination));
        /* A mount of a Spec may have no options. */
        g_ptr_array_add(from->mounts, options ? g_strjoinv(",", options) : g_strdup(""));
    }
    return 1;
}

static int read_mounts(sd_bus_message *message, void *from) {
    return dist_dictionary_read_items(message, read_mount, from);
}

/* The name of the volume that is mounted from this path; NULL if it is not a volume. */
static const char *find_volume(const VolumesFrom *from, const char *source) {
    const char *name = strrchr(source, '/');

    return name && from->names && g_strv_contains((const char *const *)from->names, name + 1) &&
                   g_str_has_suffix(source, name) && strstr(source, "/volumes/")
               ? name + 1
               : NULL;
}

/* The options that dist may repeat: "noidmap" if no owner is recorded, whose ids would be mapped.
 */
static char *choose_options(const VolumesFrom *from, const char *options, bool is_path) {
    g_auto(GStrv) list = g_strsplit(options, ",", -1);
    const char *const *given = (const char *const *)list;
    g_autoptr(GString) chosen = g_string_new(from->options);
    bool has_owner = strstr(options, "x-berth.owner=") || strstr(options, "x-berth.owned=");

    if (g_strv_contains(given, "ro") || g_strv_contains(given, "rro"))
        g_string_append(chosen, chosen->len > 0 ? ",ro" : "ro");
    if (is_path && g_strv_contains(given, "rbind"))
        g_string_append(chosen, chosen->len > 0 ? ",rbind" : "rbind");
    if (is_path && !has_owner)
        g_string_append_printf(chosen, "%s%s", chosen->len > 0 ? "," : "",
                               g_strv_contains(given, "idmap") ? "idmap" : "noidmap");
    return g_string_free(g_steal_pointer(&chosen), FALSE);
}

/* Mounts that the service itself makes of the host's network, process or IPC file systems, because
 * the container shares those namespaces; the new container need not. A mount given by a caller has
 * a recorded inode. */
static bool is_of_namespace(const char *source, const char *options, const char *destination) {
    static const char *const paths[] = {"/dev/mqueue", "/dev/shm", "/proc", "/sys", NULL};

    return g_strv_contains(paths, source) && g_str_equal(source, destination) &&
           !strstr(options, "x-berth.inode=");
}

/* Whether it is a mount that every container has: its root, a file that the service writes, or a
 * directory of its own. */
static bool is_own(const char *source, const char *options, const char *destination,
                   const char *id) {
    g_autofree char *own = g_strdup_printf("/containers/%s/", id);

    return g_str_equal(destination, "/") || strstr(source, own) ||
           strstr(options, "x-berth.volume") || strstr(options, "x-berth.pod") ||
           is_of_namespace(source, options, destination) ||
           g_str_equal(destination, "/dev/berth-init");
}

static void add_mounts(const VolumesFrom *from, const char *id) {
    for (guint i = 0; i < from->mounts->len; i += 3) {
        const char *source = from->mounts->pdata[i];
        const char *destination = from->mounts->pdata[i + 1];
        const char *options = from->mounts->pdata[i + 2];
        const char *volume = find_volume(from, source);
        if (is_own(source, options, destination, id))
            continue;
        g_autofree char *chosen = choose_options(from, options, volume == NULL);
        dist_option_add_to_list(from->volumes,
                                g_strconcat(volume ? volume : source, ":", destination,
                                            chosen[0] ? ":" : "", chosen, NULL));
    }
}

bool dist_volumes_from(char *const *sources, char ***volumes, GError **error) {
    for (; sources && *sources; sources++) {
        g_auto(GStrv) parts = g_strsplit(*sources, ":", 2);
        g_autoptr(GPtrArray) mounts = g_ptr_array_new_with_free_func(g_free);
        g_auto(GStrv) names = NULL;
        VolumesFrom from = {volumes, parts[0] ? parts[1] : NULL, mounts, NULL};
        uint32_t owner = 0;
        const DistField fields[] = {{"Owner", "u", &owner},
                                    {"Volumes", "as", &names},
                                    {"Mounts", NULL, &from, read_mounts},
                                    {NULL}};
        g_autoptr(sd_bus_message) reply =
            dist_call(error, DIST_CONTAINERS, "Get", "sa{sv}", parts[0] ? parts[0] : "", 0);
        if (!reply)
            return false;
        int r = dist_dictionary_read(reply, fields);
        if (r < 0)
            return dist_bad_reply(r, error);
        /* Another user could have replaced the file at such a path in the meantime. */
        if (owner != getuid())
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   _("--volumes-from: container %s is another user's"), parts[0]);
        from.names = names;
        add_mounts(&from, parts[0]);
    }
    return true;
}
