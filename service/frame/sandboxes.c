/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The sandbox of each worker, as static tables. tests/integration/test-sandboxes.py runs a program
 * in the worker's place that attempts everything that a sandbox must forbid.
 */

#include "config.h"
#include "frame/sandbox.h"

#include <linux/capability.h>

#define CAPABILITY(name) (1ull << (name))

/* Two descriptors per terminal. */
enum { MAX_SCREEN_DESCRIPTORS = 16384 };

/* For name resolution and libcurl; sockets are limited to certain families (sandbox-calls.c). */
static const char *const fetch_calls[] = {
    "access",     "bind",        "connect",  "faccessat",  "faccessat2",
    "getdents64", "getpeername", "readlink", "readlinkat", "recvmmsg",
    "sendmmsg",   "stat",        "statfs",   "statx",      NULL,
};

/* libseccomp can export a filter only to a file. */
static const char *const filter_calls[] = {"memfd_create", NULL};

static const char *const ingest_calls[] = {"ftruncate", "fdatasync", "fsync", "syncfs", NULL};

static const char *const unpack_calls[] = {
    "chdir",      "copy_file_range", "fchdir",       "fchmod",       "fchmodat",  "fchown",
    "fchownat",   "fgetxattr",       "flistxattr",   "fremovexattr", "fsetxattr", "ftruncate",
    "getdents64", "linkat",          "lremovexattr", "lsetxattr",    "mkdirat",   "mknodat",
    "openat",     "openat2",         "pwrite64",     "readlinkat",   "renameat",  "statx",
    "symlinkat",  "unlinkat",        "utimensat",    NULL,
};

/* For reading a tree with libarchive, which uses calls by path and by descriptor. */
static const char *const copy_out_calls[] = {
    "access",     "chdir",   "faccessat",  "faccessat2", "fadvise64", "fchdir",     "fgetxattr",
    "flistxattr", "fstatfs", "getdents64", "getxattr",   "lgetxattr", "listxattr",  "llistxattr",
    "lstat",      "open",    "openat",     "openat2",    "readlink",  "readlinkat", "stat",
    "statfs",     "statx",   "umask",      NULL,
};

/* For writing a tree; "mknod" is for FIFOs, since nothing else can be created in its user
 * namespace. */
static const char *const copy_in_calls[] = {
    "access",     "chdir",        "chmod",        "chown",     "faccessat", "faccessat2",
    "fchdir",     "fchmod",       "fchmodat",     "fchown",    "fchownat",  "fgetxattr",
    "flistxattr", "fremovexattr", "fsetxattr",    "fstatfs",   "ftruncate", "futimesat",
    "getdents64", "getxattr",     "lchown",       "lgetxattr", "link",      "linkat",
    "listxattr",  "llistxattr",   "lremovexattr", "lsetxattr", "lstat",     "mkdir",
    "mkdirat",    "mknod",        "mknodat",      "open",      "openat",    "openat2",
    "pwrite64",   "readlink",     "readlinkat",   "rename",    "renameat",  "renameat2",
    "rmdir",      "setxattr",     "stat",         "statfs",    "statx",     "symlink",
    "symlinkat",  "umask",        "unlink",       "unlinkat",  "utimensat", "utimes",
    NULL,
};

/* The system calls with which libsystemd reads journal files and watches their directory. */
static const char *const journal_calls[] = {
    "access",
    "faccessat",
    "faccessat2",
    "fstatfs",
    "getdents64",
    "inotify_add_watch",
    "inotify_rm_watch",
    "lstat",
    "open",
    "openat",
    "readlink",
    "readlinkat",
    "stat",
    "statfs",
    "statx",
    NULL,
};

static const BerthSandbox sandboxes[] = {
    {.worker = "archive", .user = BERTH_USER, .writes_files = true},
    /* These capabilities are in the container's user namespace, or in one that maps all ids. */
    {.worker = "copy-in",
     .files = BERTH_FILES_ENTERED,
     .calls = copy_in_calls,
     .writes_files = true,
     .capabilities = CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FOWNER) |
                     CAPABILITY(CAP_FSETID) | CAPABILITY(CAP_SETFCAP)},
    {.worker = "copy-out",
     .files = BERTH_FILES_ENTERED,
     .calls = copy_out_calls,
     .writes_files = true,
     .capabilities = CAPABILITY(CAP_DAC_READ_SEARCH)},
    {.worker = "fetch",
     .user = BERTH_USER,
     .network = true,
     .files = BERTH_FILES_RESOLVER,
     .calls = fetch_calls},
    /* Not a worker of berthd: berth-launch runs it (seccomp/main.c). */
    {.worker = "filter", .user = BERTH_USER, .calls = filter_calls},
    {.worker = "ingest", .user = BERTH_USER, .calls = ingest_calls, .writes_files = true},
    {.worker = "inspect", .user = BERTH_USER},
    /* Journal files belong to root. */
    {.worker = "journal",
     .files = BERTH_FILES_ONE_DIRECTORY,
     .read_only = true,
     .calls = journal_calls},
    {.worker = "screen", .user = BERTH_USER, .max_descriptors = MAX_SCREEN_DESCRIPTORS},
    {.worker = "signature", .user = BERTH_USER},
    {.worker = "unpack",
     .files = BERTH_FILES_ONE_DIRECTORY,
     .calls = unpack_calls,
     .writes_files = true,
     .has_keeper = true,
     .capabilities = CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FOWNER) |
                     CAPABILITY(CAP_FSETID)},
};

BerthSandbox berth_sandbox_narrow(const BerthSandbox *sandbox, uid_t owner) {
    BerthSandbox narrow = *sandbox;

    narrow.owner = owner;
    narrow.has_keeper = false;
    narrow.capabilities &= CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FOWNER);
    return narrow;
}

const BerthSandbox *berth_sandbox_find(const char *worker) {
    for (size_t i = 0; i < G_N_ELEMENTS(sandboxes); i++)
        if (g_str_equal(sandboxes[i].worker, worker))
            return &sandboxes[i];
    g_assert_not_reached();
}
