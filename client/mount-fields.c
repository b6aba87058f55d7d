/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Converts --mount, whose fields have names, to the colon-separated text of --volume or --tmpfs,
 * which mounts.c reads. A path with a colon cannot be written that way and is refused. */

#include "client/mount-fields.h"

#include "client/mounts.h"
#include "client/settings.h"

#include <string.h>

typedef struct {
    const char *type, *source, *target;
    GString *options;
} MountFields;

static void mount_add_option(MountFields *fields, const char *option) {
    g_string_append_printf(fields->options, "%s%s", fields->options->len > 0 ? "," : "", option);
}

static bool is_one_of(const char *name, const char *const *names) {
    return g_strv_contains(names, name);
}

/* Reads a field NAME=VALUE, or a name alone (value is NULL). SELinux relabelling is accepted
 * without effect. */
static bool mount_read_field(MountFields *fields, const char *name, const char *value,
                             GError **error) {
    static const char *const sources[] = {"source", "src", NULL};
    static const char *const targets[] = {"target", "destination", "dst", NULL};
    static const char *const read_only[] = {"ro", "readonly", NULL};
    static const char *const owner[] = {"U", "chown", NULL};
    static const char *const relabel[] = {"relabel", "z", "Z", NULL};
    static const char *const plain[] = {"rw",      "exec",  "noexec", "suid", "nosuid",
                                        "dev",     "nodev", "rbind",  "bind", "private",
                                        "noidmap", "idmap", NULL};
    g_autofree char *option = NULL;

    if (g_str_equal(name, "type"))
        fields->type = value;
    else if (is_one_of(name, sources))
        fields->source = value;
    else if (is_one_of(name, targets))
        fields->target = value;
    else if (is_one_of(name, read_only))
        mount_add_option(fields, value && g_str_equal(value, "false") ? "rw" : "ro");
    else if (g_str_equal(name, "bind-propagation") && value)
        mount_add_option(fields, value);
    else if (g_str_equal(name, "tmpfs-size") || g_str_equal(name, "tmpfs-mode"))
        mount_add_option(fields, option = g_strconcat(name + strlen("tmpfs-"), "=", value, NULL));
    else if (is_one_of(name, plain) && !value)
        mount_add_option(fields, name);
    else if (is_one_of(name, owner))
        return dist_mounts_refuse_owner(error);
    else if (!is_one_of(name, relabel))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               _("--mount: the field \"%s\" is not supported"), name);
    return true;
}

static bool mount_read_fields(MountFields *fields, char **texts, GError **error) {
    for (; *texts; texts++) {
        char *equals = strchr(*texts, '=');
        if (equals)
            *equals = '\0';
        if (!mount_read_field(fields, *texts, equals ? equals + 1 : NULL, error))
            return false;
    }
    return true;
}

/* Appends the text, which the list then owns, to the list of its kind. A bind source without a
 * slash gets a "./" prefix, since it would otherwise be the name of a volume. A volume without a
 * source is a directory of the container's own. */
static bool mount_fields_add_to_lists(const MountFields *fields, DistMountLists *lists,
                                      GError **error) {
    const char *type = fields->type ? fields->type : "volume";
    bool is_bind = g_str_equal(type, "bind"), is_tmpfs = g_str_equal(type, "tmpfs");
    const char *colon = fields->options->len > 0 ? ":" : "";

    if (!is_bind && !is_tmpfs && !g_str_equal(type, "volume"))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                               _("--mount: type=%s is not supported; use bind, volume or tmpfs"),
                               type);
    if (!fields->target || (is_bind && !fields->source))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("--mount: %s is missing"),
                               fields->target ? "source" : "target");
    if (strchr(fields->target, ':') || (fields->source && strchr(fields->source, ':')))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                               _("--mount: a path with a colon is not supported"));
    if (is_tmpfs || !fields->source)
        dist_option_add_to_list(is_tmpfs ? lists->tmpfs : lists->own,
                                g_strconcat(fields->target, colon, fields->options->str, NULL));
    else
        dist_option_add_to_list(lists->volumes,
                                g_strconcat(is_bind && !strchr(fields->source, '/') ? "./" : "",
                                            fields->source, ":", fields->target, colon,
                                            fields->options->str, NULL));
    return true;
}

bool dist_mount_fields_read(char *const *mounts, DistMountLists *lists, GError **error) {
    for (; mounts && *mounts; mounts++) {
        g_auto(GStrv) texts = g_strsplit(*mounts, ",", -1);
        g_autoptr(GString) options = g_string_new(NULL);
        MountFields fields = {.options = options};
        if (!mount_read_fields(&fields, texts, error) ||
            !mount_fields_add_to_lists(&fields, lists, error))
            return false;
    }
    return true;
}

void dist_mount_lists_split(DistMountLists *lists) {
    char **kept = *lists->volumes;

    for (char **volume = kept; volume && *volume; volume++)
        if ((*volume)[0] == '/' && !strchr(*volume, ':'))
            dist_option_add_to_list(lists->own, *volume);
        else
            *kept++ = *volume;
    if (kept)
        *kept = NULL;
}
