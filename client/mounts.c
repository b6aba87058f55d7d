/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The volumes and temporary file systems of a container, from the values of -v and --tmpfs, to
 * which --mount was converted (mount-fields.c). A path on the host is opened here, with the
 * caller's rights, and passed as a descriptor; volumes are passed by name. The functions return a
 * negative errno; an invalid value sets error as well.
 */

#include "client/mounts.h"

#include "base/fd.h"
#include "client/bundle.h"
#include "client/bus.h"

#include <errno.h>
#include <string.h>

/* In podman-run(1), U changes the owner of the files to the container's user. Here, a volume's
 * files have the ids that containers see, and host paths are id-mapped, so nothing has to be
 * changed. */
bool dist_mounts_refuse_owner(GError **error) {
    return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                           _("the mount option U is not supported: files keep their owners"));
}

static bool has_owner_option(const char *options) {
    g_auto(GStrv) list = g_strsplit(options ? options : "", ",", -1);

    return g_strv_contains((const char *const *)list, "U");
}

/* SOURCE:PATH[:OPTIONS]; a source with a slash is a path on the host. */
static char **split_mount(const char *text, bool with_source, GError **error) {
    g_auto(GStrv) parts = g_strsplit(text, ":", with_source ? 3 : 2);
    guint count = g_strv_length(parts);

    if (count > 0 && has_owner_option(parts[count - 1]))
        return dist_mounts_refuse_owner(error), NULL;
    if (with_source ? count >= 2 : count >= 1)
        return g_steal_pointer(&parts);
    berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                    with_source ? _("\"%s\" is not of the form SOURCE:PATH[:OPTIONS]")
                                : _("\"%s\" is not of the form PATH[:OPTIONS]"),
                    text);
    return NULL;
}

bool dist_mount_is_path(const char *source) {
    return strchr(source, '/') || g_str_equal(source, ".") || g_str_equal(source, "..");
}

/* "z" and "Z" relabel the files for SELinux, which Berth's containers do not need. The others only
 * concern the virtual machine of Docker Desktop. */
static bool is_without_effect(const char *option) {
    static const char *const names[] = {"z", "Z", "cached", "delegated", "consistent", NULL};

    return g_strv_contains(names, option);
}

/* Appends destination and options. Without options the list is empty, as g_strsplit() makes it from
 * "". */
static int append_tail(sd_bus_message *call, const char *destination, const char *options) {
    g_auto(GStrv) list = g_strsplit(options ? options : "", ",", -1);
    int r = sd_bus_message_append(call, "s", destination);

    if (r < 0 || (r = sd_bus_message_open_container(call, 'a', "s")) < 0)
        return r;
    for (char **option = list; r >= 0 && *option; option++)
        if (!is_without_effect(*option))
            r = sd_bus_message_append(call, "s", *option);
    return r < 0 ? r : sd_bus_message_close_container(call);
}

/* O_PATH: the caller must be able to reach the path, but need not be able to read it; a device or a
 * socket is not opened. */
static int append_bind(sd_bus_message *call, char *const *parts, GError **error) {
    berth_autofd int source = open(parts[0], O_PATH | O_CLOEXEC);
    int r;

    /* docker would create a directory there, as root, whatever was meant. */
    if (source < 0 && errno == ENOENT)
        berth_error_set(error, BERTH_ERROR_NOT_FOUND, _("%s does not exist; create it first"),
                        parts[0]);
    else if (source < 0)
        berth_error_set_errno(error, errno, "%s", parts[0]);
    if (source < 0)
        return -ENOENT;
    if ((r = sd_bus_message_open_container(call, 'r', "hsas")) < 0 ||
        (r = sd_bus_message_append(call, "h", source)) < 0 ||
        (r = append_tail(call, parts[1], parts[2])) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

static int append_plain(sd_bus_message *call, const char *source, const char *destination,
                        const char *options) {
    int r;

    if ((r = sd_bus_message_open_container(call, 'r', "ssas")) < 0 ||
        (r = sd_bus_message_append(call, "s", source)) < 0 ||
        (r = append_tail(call, destination, options)) < 0)
        return r;
    return sd_bus_message_close_container(call);
}

/* sd-bus duplicates descriptors, so each is closed as soon as it has been appended. */
static int append_binds(sd_bus_message *call, char *const *volumes, const char *config,
                        unsigned *descriptors, GError **error) {
    int r = dist_open_list(call, "Binds", "(hsas)");

    if (r >= 0 && config && (r = dist_append_sources(call, config, error)) > 0)
        *descriptors += (unsigned)r;
    for (; r >= 0 && volumes && *volumes; volumes++) {
        g_auto(GStrv) parts = split_mount(*volumes, true, error);
        if (!parts)
            return -EINVAL;
        if (!dist_mount_is_path(parts[0]))
            continue;
        r = append_bind(call, parts, error);
        ++*descriptors;
    }
    return r < 0 ? r : dist_close_list(call);
}

/* Mounts without a source: PATH[:OPTIONS]. word: an option to put before the others, or NULL. */
static int append_sourceless(sd_bus_message *call, char *const *texts, const char *word,
                             GError **error) {
    int r = 0;

    for (; r >= 0 && texts && *texts; texts++) {
        g_auto(GStrv) parts = split_mount(*texts, false, error);
        if (!parts)
            return -EINVAL;
        g_autofree char *options =
            word && parts[1] ? g_strconcat(word, ",", parts[1], NULL) : g_strdup(word);
        r = append_plain(call, "", parts[0], options ? options : parts[1]);
    }
    return r;
}

static int append_images(sd_bus_message *call, const GPtrArray *images) {
    int r = 0;

    for (guint i = 0; r >= 0 && images && i < images->len; i++) {
        const DistImageMount *mount = images->pdata[i];
        r = append_plain(call, mount->source, mount->destination, mount->options);
    }
    return r;
}

/* Goes through the volumes twice, since host paths and named volumes are two options of Create with
 * different types. */
int dist_append_mounts(sd_bus_message *call, const DistMounts *mounts, unsigned *descriptors,
                       GError **error) {
    char *const *volumes = mounts->volumes;
    int r = append_binds(call, volumes, mounts->config, descriptors, error);

    if (r < 0 || (r = dist_open_list(call, "Mounts", "(ssas)")) < 0)
        return r;
    for (; r >= 0 && volumes && *volumes; volumes++) {
        g_auto(GStrv) parts = split_mount(*volumes, true, error);
        if (!parts)
            return -EINVAL;
        if (!dist_mount_is_path(parts[0]))
            r = append_plain(call, parts[0], parts[1], parts[2]);
    }
    if (r < 0 || (r = append_sourceless(call, mounts->own, "volume", error)) < 0 ||
        (r = append_sourceless(call, mounts->tmpfs, NULL, error)) < 0 ||
        (r = append_images(call, mounts->images)) < 0)
        return r;
    return dist_close_list(call);
}
