/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Converts --mount, whose fields have names, to the colon-separated text of --volume or --tmpfs,
 * which mounts.c reads. A path with a colon cannot be written that way and is refused. The names of
 * images contain colons, so a mount of an image is a DistImageMount instead.
 */

#include "client/mount-fields.h"

#include "client/format.h"
#include "client/mounts.h"
#include "client/settings.h"
#include "generator/mount-types.h"

#include <glob.h>
#include <string.h>

/* Each is a descriptor; below the limit for a message on the system bus (dbus-daemon(1),
 * max_message_unix_fds). */
enum { MAX_MATCHES = 12 };

/* The types that have a field, as bits. */
enum {
    OF_BIND = 1 << BERTH_MOUNT_BIND | 1 << BERTH_MOUNT_GLOB,
    OF_VOLUME = 1 << BERTH_MOUNT_VOLUME,
    OF_TMPFS = 1 << BERTH_MOUNT_TMPFS,
    OF_IMAGE = 1 << BERTH_MOUNT_IMAGE,
    OF_ARTIFACT = 1 << BERTH_MOUNT_ARTIFACT,
    OF_FILES = OF_BIND | OF_VOLUME | OF_TMPFS,
    OF_ALL = OF_FILES | OF_IMAGE | OF_ARTIFACT,
    OF_DEVPTS = 1 << BERTH_MOUNT_DEVPTS,
};

/* The effect of a field. */
typedef enum {
    FIELD_SOURCE,
    FIELD_TARGET,
    FIELD_READ_ONLY, /* true or false */
    FIELD_WRITABLE,  /* true or false */
    FIELD_VALUE,     /* its value is a mount option */
    FIELD_RENAMED,   /* becomes an option NAME=VALUE of the service */
    FIELD_PLAIN,     /* becomes an option of the service, with the same or another name */
    FIELD_EMPTY,     /* is the default, or has no effect here */
    FIELD_OWNER,
} MountFieldKind;

/* The fields of podman-run(1), "--mount", and of docker. name: the service's, if it differs. */
static const struct {
    const char *field;
    MountFieldKind kind;
    unsigned types;
    const char *name;
} mount_fields[] = {
    {"source", FIELD_SOURCE, OF_ALL & ~(unsigned)OF_TMPFS, NULL},
    {"src", FIELD_SOURCE, OF_ALL & ~(unsigned)OF_TMPFS, NULL},
    {"target", FIELD_TARGET, OF_ALL | OF_DEVPTS, NULL},
    {"destination", FIELD_TARGET, OF_ALL | OF_DEVPTS, NULL},
    {"dst", FIELD_TARGET, OF_ALL | OF_DEVPTS, NULL},
    {"ro", FIELD_READ_ONLY, OF_ALL, NULL},
    {"readonly", FIELD_READ_ONLY, OF_ALL, NULL},
    {"rw", FIELD_WRITABLE, OF_ALL, NULL},
    {"readwrite", FIELD_WRITABLE, OF_ALL, NULL},
    {"bind-propagation", FIELD_VALUE, OF_BIND, NULL},
    {"tmpfs-size", FIELD_RENAMED, OF_TMPFS, "size"},
    {"tmpfs-mode", FIELD_RENAMED, OF_TMPFS, "mode"},
    {"subpath", FIELD_RENAMED, OF_VOLUME | OF_IMAGE, NULL},
    {"volume-subpath", FIELD_RENAMED, OF_VOLUME, "subpath"},
    {"image-subpath", FIELD_RENAMED, OF_IMAGE, "subpath"},
    {"title", FIELD_RENAMED, OF_ARTIFACT, NULL},
    {"digest", FIELD_RENAMED, OF_ARTIFACT, NULL},
    {"name", FIELD_RENAMED, OF_ARTIFACT, NULL},
    {"exec", FIELD_PLAIN, OF_FILES, NULL},
    {"noexec", FIELD_PLAIN, OF_ALL, NULL},
    {"suid", FIELD_PLAIN, OF_FILES, NULL},
    {"nosuid", FIELD_PLAIN, OF_ALL, NULL},
    {"dev", FIELD_PLAIN, OF_FILES, NULL},
    {"nodev", FIELD_PLAIN, OF_ALL, NULL},
    {"private", FIELD_PLAIN, OF_FILES, NULL},
    {"rbind", FIELD_PLAIN, OF_BIND, NULL},
    {"bind", FIELD_PLAIN, OF_BIND, NULL},
    {"bind-nonrecursive", FIELD_PLAIN, OF_BIND, "bind"},
    {"idmap", FIELD_PLAIN, OF_BIND | OF_VOLUME, NULL},
    {"noidmap", FIELD_PLAIN, OF_BIND | OF_VOLUME, NULL},
    {"tmpcopyup", FIELD_PLAIN, OF_TMPFS, NULL},
    {"notmpcopyup", FIELD_EMPTY, OF_TMPFS, NULL},
    {"volume-nocopy", FIELD_PLAIN, OF_VOLUME, "nocopy"},
    {"relabel", FIELD_EMPTY, OF_BIND, NULL},
    {"z", FIELD_EMPTY, OF_BIND, NULL},
    {"Z", FIELD_EMPTY, OF_BIND, NULL},
    {"consistency", FIELD_EMPTY, OF_BIND | OF_VOLUME, NULL},
    {"U", FIELD_OWNER, OF_ALL, NULL},
    {"chown", FIELD_OWNER, OF_ALL, NULL},
};

typedef struct {
    BerthMountType type;
    const char *source, *target;
    GString *options;
} MountFields;

static void mount_add_option(MountFields *fields, const char *option) {
    g_string_append_printf(fields->options, "%s%s", fields->options->len > 0 ? "," : "", option);
}

static bool mount_refuse_field(const char *name, GError **error) {
    return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                           _("--mount: the field \"%s\" is not supported"), name);
}

/* value: NULL if there is only a name. A word that is neither true nor false must not make a mount
 * writable, so it is refused. */
static bool mount_take_field(MountFields *fields, size_t i, const char *value, GError **error) {
    const char *name = mount_fields[i].name ? mount_fields[i].name : mount_fields[i].field;
    g_autofree char *option = NULL;
    gboolean is_set = false;
    bool is_flag = dist_option_read_flag(value, &is_set);

    switch (mount_fields[i].kind) {
    case FIELD_SOURCE:
        fields->source = value;
        return true;
    case FIELD_TARGET:
        fields->target = value;
        return true;
    case FIELD_READ_ONLY:
    case FIELD_WRITABLE:
        if (is_flag)
            option = g_strdup(is_set == (mount_fields[i].kind == FIELD_WRITABLE) ? "rw" : "ro");
        break;
    case FIELD_VALUE:
        option = g_strdup(value);
        break;
    case FIELD_RENAMED:
        option = value ? g_strconcat(name, "=", value, NULL) : NULL;
        break;
    case FIELD_PLAIN:
        option = is_set ? g_strdup(name) : NULL;
        break;
    case FIELD_EMPTY:
        return true;
    case FIELD_OWNER:
        return (is_flag && !is_set) || dist_mounts_refuse_owner(error);
    }
    if (!option)
        return mount_refuse_field(mount_fields[i].field, error);
    mount_add_option(fields, option);
    return true;
}

/* Reads a field NAME=VALUE, or only a name. */
static bool mount_read_field(MountFields *fields, const char *text, GError **error) {
    const char *value = strchr(text, '=');
    g_autofree char *name = value ? g_strndup(text, (gsize)(value - text)) : g_strdup(text);

    if (g_str_equal(name, "type"))
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(mount_fields); i++)
        if (g_str_equal(mount_fields[i].field, name) &&
            (mount_fields[i].types & (1u << fields->type)))
            return mount_take_field(fields, i, value ? value + 1 : NULL, error);
    return mount_refuse_field(name, error);
}

/* The type decides which fields are allowed. It may be anywhere in the list. */
static bool mount_read_type(MountFields *fields, char *const *texts, GError **error) {
    const char *type = "volume";

    for (; *texts; texts++)
        if (g_str_has_prefix(*texts, "type="))
            type = *texts + strlen("type=");
    for (size_t i = 0; berth_mount_types[i]; i++)
        if (g_str_equal(berth_mount_types[i], type)) {
            fields->type = (BerthMountType)i;
            return true;
        }
    if (g_str_equal(type, "ramfs"))
        return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                               _("--mount: type=ramfs is not supported: it has no limit of its "
                                 "size; use type=tmpfs"));
    g_autofree char *known = g_strjoinv(", ", (char **)berth_mount_types);
    return berth_error_set(error, BERTH_ERROR_UNSUPPORTED, _("unknown type=%s; use %s"), type,
                           known);
}

static bool mount_read_fields(MountFields *fields, char *const *texts, GError **error) {
    if (!mount_read_type(fields, texts, error))
        return false;
    for (; *texts; texts++)
        if (!mount_read_field(fields, *texts, error))
            return false;
    return true;
}

static void image_mount_free(gpointer data) {
    DistImageMount *mount = data;

    g_free(mount->source);
    g_free(mount->destination);
    g_free(mount->options);
    g_free(mount);
}

/* Adds an image or artifact, with its reference completed. */
static void mount_add_image(const MountFields *fields, GPtrArray **images) {
    DistImageMount *mount = g_new0(DistImageMount, 1);
    const char *comma = fields->options->len > 0 ? "," : "";

    mount->source = dist_complete_reference(fields->source);
    mount->destination = g_strdup(fields->target);
    mount->options =
        g_strconcat(berth_mount_types[fields->type], comma, fields->options->str, NULL);
    if (!*images)
        *images = g_ptr_array_new_with_free_func(image_mount_free);
    g_ptr_array_add(*images, mount);
}

static bool mount_check_path(const char *path, GError **error) {
    return !path || !strchr(path, ':') ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                           _("--mount: a path with a colon is not supported"));
}

static bool mount_add_volume(const MountFields *fields, DistMountLists *lists, GError **error) {
    const char *colon = fields->options->len > 0 ? ":" : "";

    if (dist_mount_is_path(fields->source))
        return berth_error_set(
            error, BERTH_ERROR_INVALID_ARGUMENT,
            _("--mount: type=volume takes the name of a volume, not the path %s"), fields->source);
    if (!mount_check_path(fields->source, error) || !mount_check_path(fields->target, error))
        return false;
    dist_option_add_to_list(lists->volumes, g_strconcat(fields->source, ":", fields->target, colon,
                                                        fields->options->str, NULL));
    return true;
}

/* A bind source without a slash gets a "./" prefix, since it would otherwise be the name of a
 * volume. */
static bool mount_add_bind(const MountFields *fields, const char *source, const char *target,
                           DistMountLists *lists, GError **error) {
    const char *colon = fields->options->len > 0 ? ":" : "";

    if (!mount_check_path(source, error) || !mount_check_path(target, error))
        return false;
    dist_option_add_to_list(lists->volumes,
                            g_strconcat(strchr(source, '/') ? "" : "./", source, ":", target, colon,
                                        fields->options->str, NULL));
    return true;
}

/* Each match is a bind mount: below the target or, without one, at its own path. */
static bool mount_add_matches(const MountFields *fields, DistMountLists *lists, GError **error) {
    glob_t found;
    bool good = true;

    if (glob(fields->source, 0, NULL, &found) != 0)
        return berth_error_set(error, BERTH_ERROR_NOT_FOUND, _("--mount: no path matches %s"),
                               fields->source);
    if (found.gl_pathc > MAX_MATCHES)
        good = berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               _("--mount: more than %d paths match %s; mount their directory"),
                               MAX_MATCHES, fields->source);
    for (size_t i = 0; good && i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        g_autofree char *name = g_path_get_basename(path);
        g_autofree char *target = fields->target ? g_build_filename(fields->target, name, NULL)
                                                 : g_canonicalize_filename(path, NULL);
        good = mount_add_bind(fields, path, target, lists, error);
    }
    globfree(&found);
    return good;
}

/* Every container has its own devpts there. */
static bool mount_check_devpts(const MountFields *fields, GError **error) {
    return g_strcmp0(fields->target, "/dev/pts") == 0 ||
           berth_error_set(error, BERTH_ERROR_UNSUPPORTED, "%s",
                           _("--mount: type=devpts is only supported in /dev/pts"));
}

/* Adds a mount without a source: a tmpfs, or a directory of the container's own. */
static bool mount_add_sourceless(const MountFields *fields, char ***list, GError **error) {
    const char *colon = fields->options->len > 0 ? ":" : "";

    if (!mount_check_path(fields->target, error))
        return false;
    dist_option_add_to_list(list, g_strconcat(fields->target, colon, fields->options->str, NULL));
    return true;
}

static bool mount_check_fields(const MountFields *fields, GError **error) {
    bool needs_source = fields->type != BERTH_MOUNT_VOLUME && fields->type != BERTH_MOUNT_TMPFS &&
                        fields->type != BERTH_MOUNT_DEVPTS;
    bool needs_target = fields->type != BERTH_MOUNT_GLOB;

    if ((fields->target || !needs_target) && (fields->source || !needs_source))
        return true;
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("--mount: %s is missing"),
                           needs_target && !fields->target ? "target" : "source");
}

/* Appends texts, which the list then owns, to the list of their kind. */
static bool mount_fields_add_to_lists(const MountFields *fields, DistMountLists *lists,
                                      GError **error) {
    if (!mount_check_fields(fields, error))
        return false;
    switch (fields->type) {
    case BERTH_MOUNT_IMAGE:
    case BERTH_MOUNT_ARTIFACT:
        mount_add_image(fields, lists->images);
        return true;
    case BERTH_MOUNT_DEVPTS:
        return mount_check_devpts(fields, error);
    case BERTH_MOUNT_GLOB:
        return mount_add_matches(fields, lists, error);
    case BERTH_MOUNT_TMPFS:
        return mount_add_sourceless(fields, lists->tmpfs, error);
    case BERTH_MOUNT_BIND:
        return mount_add_bind(fields, fields->source, fields->target, lists, error);
    case BERTH_MOUNT_VOLUME:
        break;
    }
    if (!fields->source)
        return mount_add_sourceless(fields, lists->own, error);
    return mount_add_volume(fields, lists, error);
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
