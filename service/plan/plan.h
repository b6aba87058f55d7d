/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A container as described by its OCI runtime configuration (runtime specification, config.md and
 * config-linux.md), parsed and checked. berthd uses it to check what it is given, and to compile
 * the set-up that berth-launch carries out. Features of the specification that Berth does not
 * support are refused by name. Members that the specification does not know are ignored, as it
 * demands.
 *
 * Annotations contain Berth's own additions: org.berth1.layers (directories of layers, topmost
 * first, and mount points), org.berth1.root (a directory instead of layers), org.berth1.seccomp
 * (default or unconfined).
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
    bool recursive; /* a bind mount that includes what is mounted below */
    BerthCopyUp copies_up;
    uint64_t set, clear;             /* MOUNT_ATTR_… for this mount */
    uint64_t set_below, clear_below; /* the same for those below it */
    unsigned long propagation;       /* MS_SHARED … | MS_REC; 0 for none */
    GPtrArray *layers;               /* const char *, of an image, NULL-terminated; or NULL */
    const char *subpath, *file_name; /* NULL: all of the source, at the destination */
    GPtrArray *data;                 /* const char *: KEY or KEY=VALUE, for the file system */
    BerthIdmap idmap;
    GArray *uid_ranges, *gid_ranges; /* of BerthPlanRange; empty for the container's */
    BerthSourceOwner source_owner;
    uint32_t source_uid;             /* whose files appear as mapped_uid's */
    uint32_t mapped_uid, mapped_gid; /* root, or the user that the caller is mapped to */
    bool has_inode;                  /* the source must still be this inode */
    bool is_root;                    /* the root itself, instead of layers */
    uint64_t device, inode;
} BerthPlanMount;

typedef struct {
    const char *path;
    char **arguments, **environment;
    uint64_t timeout_usec; /* 0 if none is given */
} BerthPlanHook;

/* systemd properties for the scope, from linux.resources. The GVariant type of value is "t", "s",
 * "b", "ay" or "a(st)". */
typedef struct {
    const char *name;
    GVariant *value;
} BerthPlanProperty;

typedef struct {
    json_object *document; /* owns the strings */
    GPtrArray *pool;       /* owns what else must be freed */

    /* process */
    const char *user; /* "name", "uid", "name:group", looked up in the image; NULL to use the ids */
    uid_t uid;
    gid_t gid;
    GArray *groups;     /* of gid_t */
    char **group_names; /* supplementary groups of user, looked up in the image; NULL for none */
    mode_t umask;
    char **arguments, **environment;
    const char *working_directory;
    uint64_t bounding, effective, permitted, inheritable, ambient; /* capabilities as bit masks */
    GPtrArray *unknown_capabilities; /* const char *, the first of those that are ignored
                                        (config.md, capabilities) */
    bool no_new_privileges, terminal;
    const char *apparmor; /* a profile; NULL for none */
    uint64_t rows, columns;
    GArray *limits; /* of BerthPlanLimit */
    bool has_oom_score, has_io_priority, has_scheduler;
    int oom_score, io_priority; /* in the form of ioprio_set(2) */
    BerthScheduler scheduler;

    /* root and mounts */
    bool read_only;
    const char *root;           /* a directory; NULL if there are layers */
    BerthPlanMount *root_mount; /* how it is mounted; NULL for layers and in a caller's own one */
    bool root_has_inode;
    uint64_t root_device, root_inode;
    char **layers;     /* names of directories, topmost first */
    GPtrArray *mounts; /* of BerthPlanMount */
    const char *hostname, *domainname;
    const char *network; /* the CNI network; NULL for none */
    const char *pod;     /* the pod whose namespaces it joins; NULL for none */
    const char *joined;  /* the container whose network it joins; NULL for none */

    /* linux */
    GArray *namespaces; /* of BerthPlanNamespace */
    GArray *uid_ranges, *gid_ranges;
    bool needs_ids;     /* has its own user namespace, whose ids berthd must choose */
    GPtrArray *devices; /* of BerthPlanDevice */
    bool makes_dev;     /* /dev is part of the root, so the default nodes are created in it */
    char **sysctls;     /* name, value… */
    char **masked_paths, **read_only_paths;
    unsigned long root_propagation;
    bool has_personality;
    unsigned long personality;
    bool has_time_offsets;
    int64_t monotonic_secs, monotonic_nsecs, boottime_secs, boottime_nsecs;
    const char *seccomp; /* "default" or "unconfined"; NULL for the profile below, if any */
    json_object *seccomp_profile;
    const char *slice;       /* from cgroupsPath */
    GArray *properties;      /* of BerthPlanProperty */
    GPtrArray *cgroup_files; /* char *: name, value…, for limits without a systemd property */
    GPtrArray *device_rules; /* char *: "char-MAJOR:MINOR rwm", for DeviceAllow */
    bool device_deny;        /* all other devices are denied */

    GPtrArray *hooks[BERTH_HOOK_COUNT]; /* of BerthPlanHook */
    char **annotations;
} BerthPlan;

BerthPlan *berth_plan_parse(const char *text, size_t size, GError **error);
void berth_plan_free(BerthPlan *plan);

/* The namespace of this type that the container gets; NULL if it stays in the host's. */
const BerthPlanNamespace *berth_plan_find_namespace(const BerthPlan *plan, int flag);

/* Returns true for a mount of cgroups, of either version. */
bool berth_plan_is_cgroup(const BerthPlanMount *mount);

/* Makes the plan own text, and returns it. */
char *berth_plan_keep(BerthPlan *plan, char *text);

/* Readers of the parts, each in a separate source file. */
bool berth_plan_read_process(BerthPlan *plan, json_object *process, GError **error);
bool berth_plan_read_mounts(BerthPlan *plan, json_object *root, GError **error);
bool berth_plan_read_linux(BerthPlan *plan, json_object *object, GError **error);
bool berth_plan_read_resources(BerthPlan *plan, json_object *object, GError **error);
bool berth_plan_read_ranges(json_object *object, const char *member, GArray **ranges,
                            GError **error);

/* Returns true if ".." is a component of the path. */
bool berth_plan_path_climbs(const char *path);
/* Returns the path as an absolute one without repeated slashes, "." and "..". It is only a text:
 * symbolic links are not looked at. The caller frees it. */
char *berth_plan_path_clean(const char *path);
/* Returns true if the path of a mount is absolute, and not another way to write "/". The first
 * process stays below a mount on the root, in the tree whose paths are masked and read-only.
 * Processes that join its mount namespace later get the topmost mount as their root (setns(2)):
 * exec, copies and health checks would work in a tree that hides nothing and that the caller
 * fills. */
bool berth_plan_path_is_below_root(const char *path);

/* Applies a mount option that is a flag; returns false if it is not one. */
bool berth_plan_mount_option(BerthPlanMount *mount, const char *option);

/* Refuses members of object that are in the specification but not supported by Berth. names is
 * NULL-terminated. */
bool berth_plan_refuse(json_object *object, const char *where, const char *const *names,
                       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthPlan, berth_plan_free)

/* The resource number for a name of setrlimit(2), RLIMIT_…. */
bool berth_plan_find_limit(const char *name, int *resource);
