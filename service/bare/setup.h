/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The set-up of a container's process: all that a launcher needs to know of a runtime configuration
 * and its system call filter, flat. berthd compiles it (plan/compile.h) and hands it over as a
 * sealed file in memory; berth-launch, berth-copy and berth-checkpoint map it and use it in place.
 *
 * It is the image of a BerthSetup and of what that refers to. In the file, a pointer is an offset
 * from its beginning, and 0 is NULL; berth_setup_relocate checks each and makes it a pointer. A
 * list of strings ends with NULL, which its count does not include; so does every list that is not
 * there, unless its comment says that it may be NULL.
 *
 * Both sides are of one build; the version and the size of the structure say so.
 */

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sock_filter;

/* Changed with every change of a structure here. */
enum { BERTH_SETUP_VERSION = 6 };

#define BERTH_SETUP_MAGIC 0x7075746573687462u /* "bthsetup" */

/* More than a configuration can have (BERTH_DOCUMENT_MAX_BYTES) when its strings lie flat, each
 * with a pointer. */
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
    const char *name; /* as /proc/PID/ns has it */
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
    BERTH_IDMAP_PLAIN,     /* this mount */
    BERTH_IDMAP_RECURSIVE, /* and those below it */
} BerthIdmap;

/* Whether a mount begins with what the image has in its place. */
typedef enum {
    BERTH_COPY_UP_NO,
    BERTH_COPY_UP_ALWAYS,   /* a tmpfs */
    BERTH_COPY_UP_IF_EMPTY, /* a volume, until something is in it */
} BerthCopyUp;

/* What is mounted. */
typedef enum {
    BERTH_MOUNT_FILE_SYSTEM,   /* a new one, of the type */
    BERTH_MOUNT_HOSTS_CGROUPS, /* all of the host's, which a user namespace cannot mount */
    BERTH_MOUNT_BIND,          /* the source */
    BERTH_MOUNT_BIND_OF_POD,   /* the source in the mount namespace of the pod */
    BERTH_MOUNT_BIND_OF_ROOT,  /* the destination itself, a directory of the root's own */
} BerthMountKind;

static inline bool berth_mount_is_bind(BerthMountKind kind) {
    return kind >= BERTH_MOUNT_BIND;
}

typedef struct {
    BerthMountKind kind;
    bool recursive; /* a bind mount, with what is mounted below */
    const char *destination, *type, *source;
    BerthPairs data; /* for the file system */
    BerthCopyUp copies_up;
    bool has_inode;                     /* the source must still be this */
    uint64_t device, inode;             /* … */
    uint64_t set, clear;                /* MOUNT_ATTR_… of this mount */
    uint64_t set_below, clear_below;    /* and of those below it too */
    uint64_t propagation;               /* MS_SHARED … | MS_REC, 0 for none */
    int64_t owner;                      /* a user of the container stands for this uid; -1 */
    uint32_t stands_uid, stands_gid;    /* that user, as the container has it */
    bool owned;                         /* the source must be the owner's; no privilege is needed */
    BerthRanges uid_ranges, gid_ranges; /* none: the container's */
    BerthIdmap idmap;
} BerthMount;

/* Program, arguments and environment may not be changed by what is executed: these are the file's.
 */
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

/* A system call filter as seccomp(2) takes it. */
typedef struct {
    const struct sock_filter *instructions; /* NULL for none */
    uint32_t count;
    uint32_t flags;     /* SECCOMP_FILTER_FLAG_… */
    bool notifies;      /* loading it returns a listener */
    const char *socket; /* of the program that answers */
    /* The container process state (config-linux.md), without "pid" and "state" and the end. */
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
    uint64_t bytes;         /* of all */

    const char *id;

    /* process */
    const char *user; /* "name", "uid", "name:group": looked up in the image; NULL: the ids */
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    uint32_t group_count;
    BerthTexts group_names; /* further groups of user: looked up in the image */
    mode_t umask;
    BerthTexts arguments;
    BerthTexts environment; /* each variable once, and no empty HOME */
    const char *working_directory;
    uint64_t bounding, effective, permitted, inheritable, ambient; /* capabilities as bits */
    bool no_new_privileges, terminal;
    uint16_t rows, columns;
    const char *apparmor; /* a profile; NULL for none */
    const BerthLimit *limits;
    uint32_t limit_count;
    int32_t oom_score, io_priority; /* as ioprio_set(2) takes it */
    bool has_io_priority, has_scheduler;
    BerthScheduler scheduler;
    BerthFilterProgram filter;
    const char *filter_profile; /* a profile that is not compiled yet, a JSON document; or NULL */

    /* root and mounts */
    bool read_only;
    const char *root; /* a directory; NULL if there are layers */
    bool root_has_inode;
    uint64_t root_device, root_inode;
    BerthTexts layers; /* names of directories, topmost first; texts may be NULL */
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
    bool makes_dev;     /* /dev is the root's own: what belongs there by default is made in it */
    BerthPairs sysctls; /* file below /proc/sys, value */
    BerthTexts masked_paths, read_only_paths;
    uint64_t root_propagation;
    bool has_personality;
    uint64_t personality;
    const char *time_offsets; /* as /proc/self/timens_offsets takes them; NULL for none */
    BerthPairs cgroup_files;  /* what systemd has no property for */

    BerthHooks hooks[BERTH_HOOK_COUNT];
    /* The state that hooks read (runtime.md, State), without "status" and "pid" and the end. */
    const char *state;
} BerthSetup;

/* config-linux.md, Default Devices: there in any case, all of them in /dev itself. The last one has
 * no path. */
extern const BerthDevice berth_default_devices[];

/* Maps the file, and makes its offsets pointers. Nothing can be written to it afterwards. NULL with
 * errno: EINVAL for what is no set-up of this build. It stays until the process ends. */
const BerthSetup *berth_setup_map(int file);

/* Makes the offsets pointers in place; false for what is no set-up. image is aligned as for any
 * type. */
bool berth_setup_relocate(void *image, size_t size);

/* The namespace of this kind that the container gets; NULL if it stays in the host's. */
const BerthNamespace *berth_setup_find_namespace(const BerthSetup *setup, int flag);

/* Whether it is a mount of cgroups, by either of its names. */
bool berth_setup_is_cgroup(const BerthMount *mount);

/*
 * Where pointers are, for the two that walk over them: a structure's size and its references. What
 * a reference counts is at another offset; a text has no count, and a list of texts one element
 * more.
 */
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
