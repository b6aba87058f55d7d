/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The set-up of a container's process: everything that a launcher needs to know from a runtime
 * configuration and its system call filter, in flat form. berthd compiles it (plan/compile.h) and
 * passes it as a sealed memfd; berth-launch, berth-copy and berth-checkpoint map it and use it in
 * place.
 *
 * It is the image of a BerthSetup and of everything that it refers to. In the file, a pointer is an
 * offset from the beginning, and 0 is NULL; berth_setup_relocate checks each one and converts it to
 * a pointer. A list of strings ends with NULL, which its count does not include; this also applies
 * to an empty list, unless its comment says that it may be NULL.
 *
 * Both sides are the same build, which the version and the size of the structure verify.
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sock_filter;

/* Must change with every change to a structure here. */
enum { BERTH_SETUP_VERSION = 9 };

#define BERTH_SETUP_MAGIC 0x7075746573687462u /* "bthsetup" */

/* More than a configuration can need (BERTH_MAX_DOCUMENT_BYTES) when its strings are stored flat,
 * each with a pointer. */
enum { BERTH_SETUP_MAX_BYTES = 64 * 1024 * 1024 };

/* A range of a user namespace's map. */
typedef struct {
    uint32_t inside, outside, count;
} BerthRange;

typedef struct {
    const BerthRange *ranges;
    uint32_t count;
} BerthRanges;

typedef struct {
    char **texts;
    uint32_t count;
} BerthTexts;

/* "name", with value NULL, or "name=value". */
typedef struct {
    const char *name, *value;
} BerthPair;

typedef struct {
    const BerthPair *pairs;
    uint32_t count;
} BerthPairs;

typedef struct {
    int resource; /* RLIMIT_… */
    const char *name;
    uint64_t soft, hard;
} BerthLimit;

typedef struct {
    int flag;         /* CLONE_NEW… */
    const char *name; /* as in /proc/PID/ns */
    const char *path; /* to join, NULL for a new one */
} BerthNamespace;

typedef struct {
    const char *path;
    mode_t type; /* S_IFCHR, S_IFBLK, S_IFIFO */
    unsigned major, minor;
    mode_t mode;
    uid_t uid;
    gid_t gid;
} BerthDevice;

typedef enum {
    BERTH_IDMAP_NONE,
    BERTH_IDMAP_PLAIN,     /* only this mount */
    BERTH_IDMAP_RECURSIVE, /* and those below it */
} BerthIdmap;

/* Whether a mount is first filled with what the image has in its place. */
typedef enum {
    BERTH_COPY_UP_NO,
    BERTH_COPY_UP_ALWAYS,   /* for a tmpfs */
    BERTH_COPY_UP_IF_EMPTY, /* for a volume, unless it has content */
} BerthCopyUp;

/* Whether the files of one user in the source of a bind mount appear as a user of the container. */
typedef enum {
    BERTH_SOURCE_OF_ANYBODY, /* no: all ids are mapped alike, or none */
    BERTH_SOURCE_MAPPED,     /* if the file system supports it */
    /* The user must own the source and map it, and the mount needs no privilege. */
    BERTH_SOURCE_OWNED,
} BerthSourceOwner;

/* What is mounted. */
typedef enum {
    BERTH_MOUNT_FILE_SYSTEM, /* a new file system, of the type */
    BERTH_MOUNT_OF_HOST,     /* the same, of a host's namespace: a user namespace cannot mount it */
    BERTH_MOUNT_BIND,        /* the source */
    BERTH_MOUNT_BIND_OF_POD, /* the source in the pod's mount namespace */
    BERTH_MOUNT_BIND_OF_IMAGE, /* layers of another image */
    BERTH_MOUNT_BIND_OF_ROOT,  /* the destination itself, a directory of the root */
} BerthMountKind;

static inline bool berth_mount_is_bind(BerthMountKind kind) {
    return kind >= BERTH_MOUNT_BIND;
}

typedef struct {
    BerthMountKind kind;
    bool recursive; /* a bind mount including the mounts below its source */
    const char *destination, *type, *source;
    BerthTexts layers;     /* of an image: names of directories, topmost first */
    const char *subpath;   /* the part of the source that is mounted; NULL: all of it */
    const char *file_name; /* the name of a file whose destination may be a directory; or NULL */
    BerthPairs data;       /* for the file system */
    BerthCopyUp copies_up;
    bool has_inode;                  /* the source must still have this inode */
    uint64_t device, inode;          /* … */
    uint64_t set, clear;             /* MOUNT_ATTR_… of this mount */
    uint64_t set_below, clear_below; /* the same for the mounts below it */
    uint64_t propagation;            /* MS_SHARED … | MS_REC, 0 for none */
    BerthSourceOwner source_owner;
    uint32_t source_uid;                /* on the host; 0 if it is of anybody */
    uint32_t mapped_uid, mapped_gid;    /* the user's ids in the container */
    BerthRanges uid_ranges, gid_ranges; /* empty: the container's */
    BerthIdmap idmap;
} BerthMount;

/* The command, its arguments and its environment come from this file, which an executed program
 * cannot change. */
typedef struct {
    const char *path;
    BerthTexts arguments, environment;
    uint64_t timeout_usec;
} BerthHook;

typedef struct {
    const BerthHook *hooks;
    uint32_t count;
} BerthHooks;

typedef enum {
    BERTH_HOOK_PRESTART,
    BERTH_HOOK_CREATE_RUNTIME,
    BERTH_HOOK_CREATE_CONTAINER,
    BERTH_HOOK_START_CONTAINER,
    BERTH_HOOK_POSTSTART,
    BERTH_HOOK_POSTSTOP,
    BERTH_HOOK_COUNT,
} BerthHookStage;

typedef struct {
    uint32_t policy;
    int32_t nice;
    uint32_t priority;
    uint64_t flags, runtime, deadline, period;
} BerthScheduler;

/* A system call filter, in the form that seccomp(2) takes. */
typedef struct {
    const struct sock_filter *instructions; /* NULL for none */
    uint32_t count;
    uint32_t flags;     /* SECCOMP_FILTER_FLAG_… */
    bool notifies;      /* loading it returns a listener */
    const char *socket; /* of the program that answers notifications */
    /* The container process state (config-linux.md), without "pid" and "state", and without its
     * closing brace. */
    const char *state;
} BerthFilterProgram;

/* The header that berth-filter writes; the instructions follow. */
typedef struct {
    uint32_t count, flags;
    uint32_t notifies;
} BerthFilterHeader;

typedef struct {
    uint64_t magic;
    uint32_t version, size; /* of this structure */
    uint64_t bytes;         /* of the whole file */

    const char *id;
    const char *log_tag; /* the identifier of its output in the journal; NULL for the ID */

    /* process */
    const char *user; /* "name", "uid", "name:group": looked up in the image; NULL: use the ids */
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    uint32_t group_count;
    BerthTexts group_names; /* additional groups of user: looked up in the image */
    mode_t umask;
    BerthTexts arguments;
    BerthTexts environment; /* each variable once, and no empty HOME */
    const char *working_directory;
    uint64_t bounding, effective, permitted, inheritable, ambient; /* capabilities as bit masks */
    bool no_new_privileges, terminal;
    uint16_t rows, columns;
    const char *apparmor; /* a profile; NULL for none */
    const BerthLimit *limits;
    uint32_t limit_count;
    int32_t oom_score, io_priority; /* as for ioprio_set(2) */
    bool has_io_priority, has_scheduler;
    BerthScheduler scheduler;
    BerthFilterProgram filter;
    const char *filter_profile; /* a profile that has not been compiled, a JSON document; or NULL */

    /* root and mounts */
    bool read_only;
    const char *root; /* a directory; NULL if there are layers */
    bool root_has_inode;
    uint64_t root_device, root_inode;
    BerthTexts layers; /* names of directories, topmost first; texts may be NULL */
    /* How the directory is mounted; NULL, and 0, for layers and in a caller's own configuration. */
    const BerthMount *root_mount;
    uint32_t root_mount_count;
    const BerthMount *mounts;
    uint32_t mount_count;
    const char *hostname, *domainname;
    const char *network; /* of CNI; NULL for none */
    const char *ports;   /* its port mappings, a JSON document; NULL for none */

    /* linux */
    const BerthNamespace *namespaces;
    uint32_t namespace_count;
    BerthRanges uid_ranges, gid_ranges;
    const BerthDevice *devices;
    uint32_t device_count;
    bool makes_dev;     /* /dev is part of the root: its default contents are created in it */
    BerthPairs sysctls; /* file below /proc/sys, value */
    BerthTexts masked_paths, read_only_paths;
    uint64_t root_propagation;
    bool has_personality;
    uint64_t personality;
    const char *time_offsets; /* as for /proc/self/timens_offsets; NULL for none */
    BerthPairs cgroup_files;  /* settings that systemd has no property for */

    BerthHooks hooks[BERTH_HOOK_COUNT];
    /* The state that hooks read (runtime.md, State), without "status" and "pid", and without its
     * closing brace. */
    const char *state;
} BerthSetup;

/* Default devices (config-linux.md, "Default Devices"), which always exist, all of them directly in
 * /dev. The last entry has no path. */
extern const BerthDevice berth_default_devices[];

/* Maps the file and converts its offsets to pointers. It cannot be written to afterwards. NULL with
 * errno: EINVAL if it is not a set-up of this build. It stays mapped until the process exits. */
const BerthSetup *berth_setup_map(int file);

/* Converts the offsets to pointers in place; false if it is not a valid set-up. image must be
 * aligned for any type. */
bool berth_setup_relocate(void *image, size_t size);

/* The namespace of this kind that the container gets; NULL if it uses the host's. */
const BerthNamespace *berth_setup_find_namespace(const BerthSetup *setup, int flag);

/* Whether it is a mount of cgroups, of either version. */
bool berth_setup_is_cgroup(const BerthMount *mount);

/* Where the pointers are, for the two functions that follow them: the size of a structure, and its
 * references. The count for a reference is at another offset; a text has no count, and a list of
 * texts has one more element than its count. */
typedef struct BerthSetupLayout BerthSetupLayout;
typedef struct {
    size_t pointer, count;
    const BerthSetupLayout *element; /* NULL for a text */
    bool ends_with_null;
} BerthSetupReference;
struct BerthSetupLayout {
    size_t size;
    const BerthSetupReference *references;
    size_t reference_count;
};
extern const BerthSetupLayout berth_setup_layout;
