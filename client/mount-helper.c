/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * mount.berth, the helper through which mount(8), fstab(5) and systemd's mount units mount an
 * image: "mount -t berth NAME DIRECTORY". It has no state: the service makes the mount, and keeps
 * the image's snapshots for as long as the mount exists on the host (prune.c). An image is a file
 * system from another party, so it is nosuid unless "setuid" is given (mount(8) does not pass
 * "suid" on), and always nodev.
 */

#include "client/mount-helper.h"

#include "base/fd.h"
#include "client/bus.h"
#include "client/each.h"
#include "client/format.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/mount.h>

/* See "EXIT STATUS" in mount(8). */
enum { STATUS_USAGE = 1, STATUS_FAILURE = 32 };

typedef struct {
    const char *image, *directory, *options;
    bool fake;
} MountRequest;

/* -n, -s and -v have no meaning here; -t repeats the type. For -N, mount(8) enters the namespace
 * itself. */
static bool mount_read_arguments(int argc, char **argv, MountRequest *request) {
    int c;

    while ((c = getopt(argc, argv, "fnsvN:o:t:")) != -1) {
        if (c == 'f')
            request->fake = true;
        else if (c == 'o')
            request->options = optarg;
        else if (c == '?')
            return false;
    }
    if (argc - optind != 2)
        return false;
    request->image = argv[optind];
    request->directory = argv[optind + 1];
    return true;
}

/* mount(8) adds "rw" if neither it nor "ro" was given, so it carries no information. */
static bool mount_option_is_ignored(const char *option) {
    static const char *const names[] = {
        "",       "ro",     "rw",      "defaults", "nosuid", "nodev", "exec",     "auto", "async",
        "noauto", "nofail", "_netdev", "nouser",   "owner",  "group", "relatime", NULL,
    };

    return g_strv_contains(names, option) || g_str_has_prefix(option, "x-") ||
           g_str_has_prefix(option, "comment=");
}

static bool mount_read_options(const char *text, uint64_t *attributes, GError **error) {
    g_auto(GStrv) options = g_strsplit(text ? text : "", ",", -1);

    *attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID;
    for (char **option = options; *option; option++) {
        if (g_str_equal(*option, "noexec"))
            *attributes |= MOUNT_ATTR_NOEXEC;
        else if (g_str_equal(*option, "setuid"))
            *attributes &= ~(uint64_t)MOUNT_ATTR_NOSUID;
        else if (!mount_option_is_ignored(*option))
            return berth_error_set(error, BERTH_ERROR_UNSUPPORTED,
                                   _("the mount option \"%s\" is not supported"), *option);
    }
    return true;
}

/* In another mount namespace nothing would keep the image. */
static bool mount_check_namespace(GError **error) {
    struct stat own, host;

    return (stat("/proc/self/ns/mnt", &own) == 0 && stat("/proc/1/ns/mnt", &host) == 0 &&
            own.st_ino == host.st_ino && own.st_dev == host.st_dev) ||
           berth_error_set(error, BERTH_ERROR_FAILED_PRECONDITION, "%s",
                           _("images are mounted in the host's mount namespace only"));
}

static bool mount_attach(const MountRequest *request, uint64_t attributes, GError **error) {
    struct mount_attr attr = {.attr_set = attributes};
    g_autofree char *name = dist_complete_reference(request->image);
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_IMAGES, "Mount", "sa{sv}", name, 0);
    int mount, r;

    if (!reply)
        return false;
    if ((r = sd_bus_message_read(reply, "h", &mount)) < 0)
        return dist_bad_reply(r, error);
    if (request->fake)
        return true;
    return (syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH, &attr, sizeof attr) == 0 &&
            syscall(SYS_move_mount, mount, "", AT_FDCWD, request->directory,
                    MOVE_MOUNT_F_EMPTY_PATH) == 0) ||
           berth_error_set_errno(error, errno, _("mount it on %s"), request->directory);
}

bool dist_mount_helper_is(const char *program) {
    g_autofree char *name = program ? g_path_get_basename(program) : NULL;

    return g_strcmp0(name, "mount.berth") == 0;
}

int dist_mount_helper_run(int argc, char **argv) {
    g_autoptr(GError) error = NULL;
    MountRequest request = {0};
    uint64_t attributes;

    if (!mount_read_arguments(argc, argv, &request)) {
        fputs(_("Usage: mount -t berth [-o OPTIONS] IMAGE DIRECTORY\n"), stderr);
        return STATUS_USAGE;
    }
    dist_settings.no_ask_password = TRUE;
    if (mount_read_options(request.options, &attributes, &error) && mount_check_namespace(&error) &&
        mount_attach(&request, attributes, &error))
        return 0;
    dist_print_error(error);
    return STATUS_FAILURE;
}
