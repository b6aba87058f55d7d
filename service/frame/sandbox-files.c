/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The files that remain visible in a sandbox. berth-unpack sees one directory, which becomes the
 * root. berth-fetch sees a root built for it, with nothing but the files that the C library's name
 * resolution and TLS read; the contents of directories in /run are seen as they change. Landlock is
 * a second barrier. Where the kernel supports it, it also blocks sockets with abstract names, which
 * no mount namespace hides, and signals to processes outside. There is no state.
 */

#include "bare/pivot.h"
#include "base/fd.h"
#include "frame/sandbox-parts.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <linux/mount.h>
#include <netdb.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Directories come first: a file that is a link into one of them needs nothing else. */
static const char *const resolver_files[] = {
    "/run/systemd/resolve",
    "/run/NetworkManager",
    "/run/resolvconf",
    "/run/nscd",
    "/run/avahi-daemon",
    "/etc/ssl/certs",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/ca-certificates/extracted",
    "/var/lib/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/nsswitch.conf",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
};

/* Symbolic links of the system that are part of the paths above, or of paths in those files. */
static const char *const system_links[] = {"/lib", "/lib64", "/var/run"};

/* The sockets of nscd, nss-resolve and nss-mdns, which resolve names in other processes. */
static const char *const resolver_sockets[] = {
    "/run/nscd/socket", "/run/systemd/resolve/io.systemd.Resolve", "/run/avahi-daemon/socket"};

int berth_sandbox_clone_mount(int at, const char *path, uint64_t attributes) {
    struct mount_attr attr = {
        .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | attributes,
        /* A clone receives mount events from its original; a root must not. */
        .propagation = MS_PRIVATE,
    };
    berth_autofd int tree =
        (int)syscall(SYS_open_tree, at, path, AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

    if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
        return -1;
    return berth_fd_steal(&tree);
}

static bool unshare_mounts(GError **error) {
    return (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0) ||
           berth_error_set_errno(error, errno, "make a mount namespace");
}

/* The order matters. The mount is cloned before the mount namespace changes, since only mounts in
 * the current namespace can be cloned (otherwise EINVAL). A client's directory may be in another
 * namespace: it then becomes the root with chroot(2), and no descriptor or system call that leads
 * out of it remains. The user namespace is created in between: pivoting needs capabilities in the
 * initial user namespace, and after chroot(2) the kernel refuses to create a user namespace
 * (unshare(2), EPERM). */
static bool sandbox_enter_directory(const BerthSandbox *sandbox, int directory, GError **error) {
    berth_autofd int process = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    berth_autofd int tree = berth_sandbox_clone_mount(
        directory, "", MOUNT_ATTR_NOEXEC | (sandbox->read_only ? MOUNT_ATTR_RDONLY : 0));
    /* A read-only view requires a separate mount. */
    bool foreign = tree < 0 && errno == EINVAL && !sandbox->read_only;

    if (tree < 0 && !foreign)
        return berth_error_set_errno(error, errno, "clone the mount of the directory");
    if (!unshare_mounts(error))
        return false;
    if (!foreign && !berth_pivot(tree))
        return berth_error_set_errno(error, errno, "change the root");
    if (sandbox->has_keeper && !berth_sandbox_enter_all_users(process, foreign ? -1 : tree, error))
        return false;
    return !foreign || (fchdir(directory) == 0 && chroot(".") == 0) ||
           berth_error_set_errno(error, errno, "change to the directory");
}

/* Creates a new file system as a detached mount. Returns -1 with errno set on failure. */
static int make_file_system(const char *type, const char *option, const char *value) {
    berth_autofd int context = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);

    if (context < 0 || syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, option, value, 0) < 0 ||
        syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -1;
    return (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static bool sandbox_make_parents(int root, const char *path, GError **error) {
    g_autofree char *prefix = g_strdup(path + 1);

    for (char *slash = prefix; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        if (mkdirat(root, prefix, 0755) < 0 && errno != EEXIST)
            return berth_error_set_errno(error, errno, "make /%s for name resolution", prefix);
    }
    return true;
}

static bool is_there(int root, const char *path) {
    berth_autofd int fd = berth_fd_open_in_root(root, path, O_PATH | O_CLOEXEC, 0);

    return fd >= 0;
}

/* Shows a file or directory at the same path in the new root. path must not contain symbolic
 * links. */
static bool show_file(int root, const char *path, uint64_t attributes, GError **error) {
    struct stat status;
    berth_autofd int tree =
        berth_sandbox_clone_mount(AT_FDCWD, path, MOUNT_ATTR_RDONLY | attributes);

    if (tree < 0)
        return berth_error_set_errno(error, errno, "clone the mount of %s", path);
    if (!sandbox_make_parents(root, path, error))
        return false;
    if (fstat(tree, &status) < 0 ||
        (S_ISDIR(status.st_mode) ? mkdirat(root, path + 1, 0755)
                                 : mknodat(root, path + 1, S_IFREG | 0644, 0)) < 0 ||
        syscall(SYS_move_mount, tree, "", root, path + 1, MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return berth_error_set_errno(error, errno, "show %s", path);
    return true;
}

static bool sandbox_copy_link(int root, const char *path, GError **error) {
    char target[PATH_MAX];
    ssize_t size = readlink(path, target, sizeof target - 1);

    if (size < 0)
        return true;
    target[size] = '\0';
    if (!sandbox_make_parents(root, path, error))
        return false;
    return symlinkat(target, root, path + 1) == 0 || errno == EEXIST ||
           berth_error_set_errno(error, errno, "copy the link %s", path);
}

/* A symbolic link is recreated as one: if its target in a visible directory is replaced, the new
 * file is seen. A path that does not exist is skipped, since no system has all of them. */
static bool show_with_link(int root, const char *path, uint64_t attributes, GError **error) {
    g_autofree char *real = realpath(path, NULL);

    if (!real)
        return true;
    if (!sandbox_copy_link(root, path, error))
        return false;
    return is_there(root, real) || show_file(root, real, attributes, error);
}

/* The modules for name resolution (nss(5)) are in the same directory as the C library. It is shown
 * without noexec, since they are mapped executable. */
static bool show_libraries(int root, GError **error) {
    Dl_info info;

    if (dladdr((void *)(uintptr_t)getaddrinfo, &info) == 0)
        return berth_error_set(error, BERTH_ERROR_INTERNAL, "cannot find the C library");
    g_autofree char *directory = g_path_get_dirname(info.dli_fname);
    return show_with_link(root, directory, 0, error);
}

/* The proc(5) of this worker's PID namespace: libcurl uses it to open files in memory by name. */
static bool sandbox_show_processes(int root, GError **error) {
    berth_autofd int processes = make_file_system("proc", "subset", "pid");

    if (processes < 0 || mkdirat(root, "proc", 0555) < 0 ||
        syscall(SYS_move_mount, processes, "", root, "proc", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        return berth_error_set_errno(error, errno, "show /proc");
    return true;
}

static bool fill_root(int root, GError **error) {
    for (size_t i = 0; i < G_N_ELEMENTS(system_links); i++)
        if (!sandbox_copy_link(root, system_links[i], error))
            return false;
    for (size_t i = 0; i < G_N_ELEMENTS(resolver_files); i++)
        if (!show_with_link(root, resolver_files[i], MOUNT_ATTR_NOEXEC, error))
            return false;
    return show_libraries(root, error) && sandbox_show_processes(root, error);
}

static bool enter_resolver_root(GError **error) {
    struct mount_attr read_only = {.attr_set = MOUNT_ATTR_RDONLY};

    if (!unshare_mounts(error))
        return false;
    berth_autofd int root = make_file_system("tmpfs", "mode", "0755");
    if (root < 0)
        return berth_error_set_errno(error, errno, "make a root");
    if (!berth_pivot_attach(root))
        return berth_error_set_errno(error, errno, "attach the new root");
    if (!fill_root(root, error))
        return false;
    if (syscall(SYS_mount_setattr, root, "", AT_EMPTY_PATH, &read_only, sizeof read_only) < 0)
        return berth_error_set_errno(error, errno, "make the root read-only");
    return berth_pivot_enter(root) || berth_error_set_errno(error, errno, "change the root");
}

bool berth_sandbox_change_files(const BerthSandbox *sandbox, int directory, GError **error) {
    switch (sandbox->files) {
    case BERTH_FILES_NONE:
    case BERTH_FILES_ENTERED:
        return true;
    case BERTH_FILES_RESOLVER:
        return enter_resolver_root(error);
    case BERTH_FILES_ONE_DIRECTORY:
        return sandbox_enter_directory(sandbox, directory, error);
    }
    g_assert_not_reached();
}

bool berth_sandbox_has_resolver(void) {
    for (size_t i = 0; i < G_N_ELEMENTS(resolver_sockets); i++)
        if (access(resolver_sockets[i], F_OK) == 0)
            return true;
    return false;
}
