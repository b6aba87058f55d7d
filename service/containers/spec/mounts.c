/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The mounts of Create. A bind mount is given as a descriptor, which proves the caller's access; a
 * path would not. Its path and inode are stored, and compared when the container starts. Mounts for
 * users other than root are nosuid and nodev, whatever the options say. The caller owns each
 * BerthMountRequest; there is no other state here.
 */

#include "containers/spec/mounts.h"

#include "bare/envelope.h"
#include "base/document-members.h"
#include "base/host-mount.h"
#include "base/names.h"
#include "containers/spec/owned-mounts.h"
#include "plan/plan.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_PATH = 4096 };

static void image_mount_free(BerthImageMount *mount) {
    if (!mount)
        return;
    g_free(mount->name);
    g_free(mount->title);
    g_free(mount->digest);
    g_free(mount->file_name);
    g_free(mount);
}

void berth_mount_request_free(gpointer data) {
    BerthMountRequest *request = data;

    if (!request)
        return;
    g_free(request->source);
    g_free(request->destination);
    g_free(request->volume);
    g_free(request->subpath);
    image_mount_free(request->image);
    g_strfreev(request->options);
    g_free(request);
}

char *berth_mount_describe(int fd, char **inode, GError **error) {
    BerthEnvelopeNote note;

    if (!berth_envelope_read(fd, &note)) {
        berth_error_set_errno(error, errno, "examine a descriptor");
        return NULL;
    }
    /* A file without links has been deleted, and another one may have its path by now. */
    if (note.path[0] != '/' || note.links == 0) {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "the file of a descriptor has no path by which it could be opened again");
        return NULL;
    }
    *inode = g_strdup_printf("%" G_GUINT64_FORMAT ":%" G_GUINT64_FORMAT, note.device, note.inode);
    return g_strdup(note.path);
}

bool berth_mount_check_destination(const char *destination, GError **error) {
    if (berth_plan_path_climbs(destination))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the mount point \"%.200s\" contains \"..\"", destination);
    return (berth_plan_path_is_below_root(destination) && strlen(destination) < MAX_PATH) ||
           berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "the mount point \"%.200s\" is not an absolute path below the root",
                           destination);
}

/* Returns true for options that undo what is set on every mount for callers other than root, or
 * that propagate mounts from the container to the host. */
static bool is_for_root(const char *option) {
    static const char *const names[] = {"dev", "rdev", "suid", "rsuid", "shared", "rshared", NULL};

    return g_strv_contains(names, option);
}

/* Flags only: the caller cannot configure the file system. */
static bool check_mount_options(char *const *options, uint32_t caller, GError **error) {
    for (; options && *options; options++) {
        BerthPlanMount mount = {0};
        /* Options x-berth.… are reserved for berthd (plan/plan-mounts.c). */
        if (g_str_has_prefix(*options, "x-berth.") ||
            (!berth_plan_mount_option(&mount, *options) && !g_str_equal(*options, "noidmap") &&
             !g_str_has_prefix(*options, "size=") && !g_str_has_prefix(*options, "mode=")))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "unknown mount option \"%.100s\"", *options);
        if (caller != 0 && is_for_root(*options))
            return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                   "only root may use the mount option \"%s\"", *options);
    }
    return true;
}

static bool has_option(char *const *options, const char *option) {
    return options && g_strv_contains((const char *const *)options, option);
}

/* Removes an option from the list that says what is mounted, rather than how. */
bool berth_mount_take_option(char **options, const char *option) {
    bool found = false;

    for (char **kept = options; options && *options; options++) {
        if (g_str_equal(*options, option)) {
            g_free(*options);
            found = true;
        } else {
            *kept++ = *options;
        }
        if (!options[1])
            *kept = NULL;
    }
    return found;
}

char *berth_mount_take_value(char **options, const char *prefix) {
    for (char **option = options; option && *option; option++)
        if (g_str_has_prefix(*option, prefix)) {
            g_autofree char *found = g_strdup(*option);
            (void)berth_mount_take_option(options, found);
            return g_strdup(found + strlen(prefix));
        }
    return NULL;
}

char **berth_mount_end_options(GPtrArray *list, char *const *given) {
    for (; given && *given; given++)
        if (!g_str_equal(*given, "noidmap"))
            g_ptr_array_add(list, g_strdup(*given));
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

static char **join_options(char *const *given, const char *const *own) {
    GPtrArray *list = g_ptr_array_new();

    for (; own && *own; own++)
        g_ptr_array_add(list, g_strdup(*own));
    return berth_mount_end_options(list, given);
}

static bool is_device(uint32_t mode) {
    return S_ISCHR(mode) || S_ISBLK(mode);
}

/* Files of the source's owner appear as owned by the container's root. No other id is mapped, since
 * a container must not create files that belong to users of the host; only root may map all ids,
 * with "idmap". The options have been checked. */
static BerthMountRequest *make_bind(int fd, const char *destination, char **options,
                                    uint32_t caller, bool maps_owner, GError **error) {
    g_autofree char *inode = NULL, *owner = NULL;
    g_autofree char *path = berth_mount_describe(fd, &inode, error);
    BerthEnvelopeNote note;

    if (!path)
        return NULL;
    /* A container must not be a way to become another user, so only root may map an owner other
     * than the caller. */
    if (maps_owner && berth_envelope_read(fd, &note) && (caller == 0 || caller == note.uid))
        owner = g_strdup_printf("x-berth.owner=%u", note.uid);
    g_autofree char *same = g_strconcat("x-berth.inode=", inode, NULL);
    /* The list ends at the first NULL. Only root may give a container the host's devices and
     * set-user-ID programs. */
    const char *const more[] = {has_option(options, "rbind") ? "rbind" : "bind",
                                same,
                                caller != 0 ? "rnosuid" : owner,
                                caller != 0 ? "rnodev" : NULL,
                                owner,
                                NULL};
    BerthMountRequest *request = g_new0(BerthMountRequest, 1);
    request->type = "bind";
    request->source = g_steal_pointer(&path);
    request->destination = g_strdup(destination);
    request->options = join_options(options, more);
    request->of_caller = owner && caller != 0 && !is_device(note.mode) &&
                         berth_owned_mount_allows_options(options) &&
                         berth_host_mount_takes_ids(note.mount_id);
    request->caller = caller;
    return request;
}

BerthMountRequest *berth_mount_request_new_bind(int fd, const char *destination, char **options,
                                                uint32_t caller, GError **error) {
    bool idmap = has_option(options, "idmap") || has_option(options, "ridmap");

    if (!berth_mount_check_destination(destination, error) ||
        !check_mount_options(options, caller, error))
        return NULL;
    if (idmap && caller != 0) {
        g_autofree char *inode = NULL;
        g_autofree char *path = berth_mount_describe(fd, &inode, error);
        if (path)
            berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                            "only root may map all ids of %s into a container", path);
        return NULL;
    }
    return make_bind(fd, destination, options, caller, !idmap && !has_option(options, "noidmap"),
                     error);
}

/* Devices are those that the container was given, in its own /dev. */
BerthMountRequest *berth_mount_request_new_root(int fd, uint32_t caller, GError **error) {
    char *options[] = {(char *)"x-berth.root", (char *)"nodev", NULL};
    char *checked[] = {NULL};
    BerthMountRequest *request = make_bind(fd, "/", checked, caller, caller != 0, error);

    if (!request)
        return NULL;
    g_auto(GStrv) before = request->options;
    request->options = join_options(before, (const char *const *)options);
    request->takes_ids = caller == 0;
    return request;
}

BerthMountRequest *berth_mount_request_new_trusted(const char *source, const char *destination,
                                                   char **options, GError **error) {
    const char *const more[] = {has_option(options, "rbind") ? "rbind" : "bind", NULL};

    if (!berth_mount_check_destination(destination, error) ||
        !check_mount_options(options, 0, error))
        return NULL;
    if (source[0] != '/') {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "the source \"%.200s\" of a mount is not absolute", source);
        return NULL;
    }
    BerthMountRequest *request = g_new0(BerthMountRequest, 1);
    request->type = "bind";
    request->source = g_strdup(source);
    request->destination = g_strdup(destination);
    request->options = join_options(options, more);
    return request;
}

BerthMountRequest *berth_mount_request_new(const char *source, const char *destination,
                                           char **options, uint32_t caller, GError **error) {
    static const char *const for_tmpfs[] = {"nosuid", "nodev", NULL};
    static const char *const for_own[] = {"bind", "x-berth.volume", NULL};
    bool is_own = berth_mount_take_option(options, "volume");
    g_autofree char *subpath = source[0] ? berth_mount_take_value(options, "subpath=") : NULL;
    if (!berth_mount_check_destination(destination, error) ||
        !check_mount_options(options, caller, error))
        return NULL;
    if (source[0] == '/') {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "to mount %.200s, give a descriptor of it in Binds", source);
        return NULL;
    }
    if (source[0] != '\0' && !berth_name_check_volume(source, error))
        return NULL;
    if (is_own && source[0] != '\0') {
        berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                        "the mount option volume needs an empty source");
        return NULL;
    }
    BerthMountRequest *request = g_new0(BerthMountRequest, 1);
    request->type = source[0] || is_own ? "bind" : "tmpfs";
    request->volume = source[0] ? g_strdup(source) : NULL;
    request->subpath = g_steal_pointer(&subpath);
    request->of_container = is_own;
    request->source = g_strdup(is_own ? destination : source[0] ? "" : "tmpfs");
    request->destination = g_strdup(destination);
    request->options = join_options(options, is_own ? for_own : source[0] ? NULL : for_tmpfs);
    return request;
}

void berth_mount_request_set_source(BerthMountRequest *request, char *path, bool idmap) {
    g_auto(GStrv) before = request->options;
    g_autofree char *subpath =
        request->subpath ? g_strconcat("x-berth.subpath=", request->subpath, NULL) : NULL;
    /* The image's directory is the beginning of the volume, and not of a part of it. */
    const char *last = subpath ? subpath : has_option(before, "nocopy") ? NULL : "x-berth.fill";
    const char *const more[] = {
        "bind", "nosuid", "nodev", idmap ? "idmap" : last, idmap ? last : NULL, NULL};

    g_free(request->source);
    request->source = path;
    request->options = join_options(before, more);
}

void berth_mount_append(json_object *mounts, const BerthMountRequest *request, bool has_users,
                        const BerthKeptId *kept) {
    json_object *mount = berth_document_append_object(mounts);

    berth_document_add_string(mount, "destination", request->destination);
    berth_document_add_string(mount, "type", request->type);
    berth_document_add_string(mount, "source", request->source);
    json_object *options = berth_document_add_array(mount, "options");
    for (char **option = request->options; *option; option++)
        berth_document_append_string(options, *option);
    if (request->of_caller && has_users) {
        g_autofree char *owned = g_strdup_printf("x-berth.owned=%u", request->caller);
        berth_document_append_string(options, owned);
    }
    if (request->takes_ids && has_users)
        berth_document_append_string(options, "idmap");
    if (kept->given && has_users) {
        g_autofree char *stands = g_strdup_printf("x-berth.stands=%u:%u", kept->uid, kept->gid);
        berth_document_append_string(options, stands);
    }
}
