/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A container as its OCI runtime configuration (runtime specification, config.md and
 * config-linux.md) describes it, read and checked. berthd checks with it what it is given,
 * berth-launch does what it says. Properties of the specification that Berth does not support are
 * refused by name; members that the specification does not know are ignored, as it demands.
 *
 * Annotations are Berth's own additions: org.berth1.layers (directories of layers, topmost first),
 * org.berth1.root (a directory instead of layers), org.berth1.seccomp (default or unconfined).
 */

#pragma once

#include "bare/setup.h"
#include "base/document.h"

#include <sys/types.h>

typedef BerthRange BerthPlanRange;
typedef BerthLimit BerthPlanLimit;
typedef BerthNamespace BerthPlanNamespace;
typedef BerthDevice BerthPlanDevice;

typedef struct {
    const char *destination, *type, *source;
    BerthMountKind kind;
    bool recursive; /* a bind mount, with what is mounted below */
    BerthCopyUp copies_up;
    uint64_t set, clear;             /* MOUNT_ATTR_… of this mount */
    uint64_t set_below, clear_below; /* and of those below it too */
    unsigned long propagation;       /* MS_SHARED … | MS_REC, 0 for none */
    GPtrArray *data;                 /* const char *, for the file system: KEY or KEY=VALUE */
    BerthIdmap idmap;
    GArray *uid_ranges, *gid_ranges; /* of BerthPlanRange; empty: the container's */
    int64_t owner;                   /* a user of the container stands for this uid; -1 */
    uint32_t stands_uid, stands_gid; /* that user: root, if not the one that keeps its id */
    bool owned;                      /* and the source must be this uid's */
    bool has_inode;                  /* the source must still be this */
    uint64_t device, inode;
} BerthPlanMount;

typedef struct {
    const char *path;
    char **arguments, **environment;
    uint64_t timeout_usec; /* 0: none given */
} BerthPlanHook;

/* Properties of systemd for the scope, as linux.resources has them; value is typed "t", "s", "b",
 * "ay" or "a(st)" by GVariant. */
typedef struct {
    const char *name;
    GVariant *value;
} BerthPlanProperty;

typedef struct {
    JsonNode *document; /* what strings belong to */
    GPtrArray *pool;    /* what else is to be freed */

    /* process */
    const char *user; /* "name", "uid", "name:group": looked up in the image; NULL: the ids */
    uid_t uid;
    gid_t gid;
    GArray *groups;     /* of gid_t */
    char **group_names; /* further groups of user, looked up in the image; NULL for none */
    mode_t umask;
    char **arguments, **environment;
    const char *working_directory;
    uint64_t bounding, effective, permitted, inheritable, ambient; /* capabilities as bits */
    GPtrArray *unknown_capabilities; /* const char *: left out (config.md, capabilities) */
    bool no_new_privileges, terminal;
    const char *apparmor; /* a profile; NULL for none */
    uint64_t rows, columns;
    GArray *limits; /* of BerthPlanLimit */
    bool has_oom_score, has_io_priority, has_scheduler;
    int oom_score, io_priority; /* as ioprio_set(2) takes it */
    BerthScheduler scheduler;

    /* root and mounts */
    bool read_only;
    const char *root; /* a directory; NULL if there are layers */
    bool root_has_inode;
    uint64_t root_device, root_inode;
    char **layers;     /* names of directories, topmost first */
    GPtrArray *mounts; /* of BerthPlanMount */
    const char *hostname, *domainname;
    const char *network; /* of CNI; NULL for none */
    const char *pod;     /* whose namespaces it joins; NULL for none */

    /* linux */
    GArray *namespaces; /* of BerthPlanNamespace */
    GArray *uid_ranges, *gid_ranges;
    bool needs_ids;     /* a user namespace of its own, whose ids berthd is to choose */
    GPtrArray *devices; /* of BerthPlanDevice */
    bool makes_dev;     /* /dev is the root's own: what belongs there by default is made in it */
    char **sysctls;     /* name, value, … */
    char **masked_paths, **read_only_paths;
    unsigned long root_propagation;
    bool has_personality;
    unsigned long personality;
    bool has_time_offsets;
    int64_t monotonic_secs, monotonic_nsecs, boottime_secs, boottime_nsecs;
    const char *seccomp; /* "default", "unconfined"; NULL: the profile below, if there is one */
    JsonObject *seccomp_profile;
    const char *slice;       /* of cgroupsPath */
    GArray *properties;      /* of BerthPlanProperty */
    GPtrArray *cgroup_files; /* char *: name, value …, what systemd has no property for */
    GPtrArray *device_rules; /* char *: "char-MAJOR:MINOR rwm" for DeviceAllow */
    bool device_deny;        /* everything else is denied */

    GPtrArray *hooks[BERTH_HOOK_COUNT]; /* of BerthPlanHook */
    char **annotations;
} BerthPlan;

BerthPlan *berth_plan_parse(const char *text, size_t size, GError **error);
void berth_plan_free(BerthPlan *plan);

/* The namespace of this kind that the container gets; NULL if it stays in the host's. */
const BerthPlanNamespace *berth_plan_find_namespace(const BerthPlan *plan, int flag);

/* Whether it is a mount of cgroups, by either of its names. */
bool berth_plan_is_cgroup(const BerthPlanMount *mount);

/* Copies live as long as the plan. */
char *berth_plan_keep(BerthPlan *plan, char *text);

/* The parts, each a file of its own. */
bool berth_plan_read_process(BerthPlan *plan, JsonObject *process, GError **error);
bool berth_plan_read_mounts(BerthPlan *plan, JsonObject *root, GError **error);
bool berth_plan_read_linux(BerthPlan *plan, JsonObject *object, GError **error);
bool berth_plan_read_resources(BerthPlan *plan, JsonObject *object, GError **error);
bool berth_plan_read_ranges(JsonObject *object, const char *member, GArray **ranges,
                            GError **error);

/* Whether ".." is a component of the path. */
bool berth_plan_path_climbs(const char *path);

/* Applies an option of a mount that is a flag; false if it is none. */
bool berth_plan_mount_option(BerthPlanMount *mount, const char *option);

/* Refuses members of object that the specification has and Berth does not. names ends with NULL. */
bool berth_plan_refuse(JsonObject *object, const char *where, const char *const *names,
                       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthPlan, berth_plan_free)

/* The number of a limit of setrlimit(2), by its name, RLIMIT_…. */
bool berth_plan_find_limit(const char *name, int *resource);
