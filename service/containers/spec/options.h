/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What Create and Exec take. */

#pragma once

#include "base/secret.h"
#include "containers/spec/network-mode.h"
#include "images/images.h"
#include "plan/plan.h"
#include "store/container-record.h"

typedef enum {
    BERTH_USER_NAMESPACE_AUTO, /* one of its own, with host ids that nobody else has */
    BERTH_USER_NAMESPACE_HOST,
} BerthUserNamespace;

/* What becomes of a container that is unhealthy. */
typedef enum {
    BERTH_HEALTH_ACTION_NONE, /* it goes on */
    BERTH_HEALTH_ACTION_KILL, /* and its restart policy counts */
    BERTH_HEALTH_ACTION_STOP,
} BerthHealthAction;

/* As Create has them, and the record of a container; NULL-terminated. */
extern const char *const berth_health_actions[];

/* How many host ids a container's user namespace has. */
enum { BERTH_IDS_COUNT = 65536 };

/* "keep-id": the caller is a user of the container who is not its root. The command runs as that
 * user, and the caller's own files that are mounted are that user's. */
typedef struct {
    bool given;
    uint32_t uid, gid; /* in the container */
} BerthKeptId;

/* Of PID and IPC namespaces. In the host's a container sees every process, or all shared memory, of
 * the machine. */
typedef enum {
    BERTH_NAMESPACE_PRIVATE,
    BERTH_NAMESPACE_HOST,
} BerthNamespaceMode;

/* What a pod does when the last of its containers has ended. */
typedef enum {
    BERTH_POD_NOT, /* a container, and no pod */
    BERTH_POD_EXIT_CONTINUE,
    BERTH_POD_EXIT_STOP,
} BerthPodExit;

typedef enum {
    BERTH_CGROUP_SCOPE,  /* a scope of its own */
    BERTH_CGROUP_CALLER, /* below the caller's cgroup */
} BerthCgroupMode;

typedef enum {
    BERTH_SECCOMP_DEFAULT,
    BERTH_SECCOMP_UNCONFINED,
    BERTH_SECCOMP_PROFILE, /* the caller's own */
} BerthSeccomp;

/* What Create takes. An object owns what its members point to, except the descriptor; what is NULL
 * is the image's own. */
typedef struct {
    const char *id; /* "" for one that is made up */
    const char *image;
    uint32_t owner;
    char **command;
    char **environment;     /* added to the image's */
    char **unset;           /* variables of the image's that are left out; "*": all */
    char **entrypoint;      /* instead of the image's, and of its command; one empty text: none */
    char **groups;          /* supplementary, by name or number, as the image has them */
    uint64_t umask;         /* UINT64_MAX: the default */
    int oom_score;          /* INT_MAX: not given */
    char **resource_limits; /* "NOFILE", "SOFT[:HARD]", … */
    char **sysctls;         /* name, value, … */
    const char *personality;
    char **annotations; /* key, value, … */
    const char *working_directory, *user, *hostname, *slice, *stop_signal;
    BerthNetworkMode network_mode;
    const char *network; /* as given; NULL for none */
    BerthSeccomp seccomp;
    const char *seccomp_profile; /* as JSON */
    BerthUserNamespace user_namespace;
    BerthKeptId kept_id; /* with BERTH_USER_NAMESPACE_AUTO */
    BerthNamespaceMode pid_namespace, ipc_namespace;
    BerthCgroupMode cgroup;
    char *cgroup_parent;     /* the caller's, found by its process; NULL for a scope */
    uint64_t cgroup_managed; /* its number, if a manager of cgroups has made it; or 0 */
    char *bound_unit;        /* the caller's, found in the same way; NULL unless unit_bound */
    BerthRestartPolicy restart;
    uint64_t restart_limit; /* restarts in all; 0: any number */
    const char *spec;       /* a whole OCI runtime configuration; image may then be "" */
    BerthPlan *plan;        /* of spec; NULL without one, or if it cannot be parsed */
    int root_directory;     /* of the caller's, instead of an image; -1 */
    const char *pod;        /* whose namespaces it joins; NULL: its own */
    uint32_t pod_ids;       /* the first host id of that pod; 0 for the host's own */
    uint64_t pod_created;   /* when it was created, which tells it from a later one of its name */
    char **pod_networks;    /* the networks that it is in, or "host" or "none" */
    BerthPodExit pod_exit;  /* of a pod itself */
    uint64_t shm_size;      /* of a pod: of /dev/shm, in bytes; 0: the default */
    char **capabilities_add, **capabilities_drop;
    char **labels;         /* key, value, … */
    GPtrArray *secrets;    /* of BerthSecretRequest; NULL for none */
    bool has_secret_files; /* and not only variables */
    GPtrArray *mounts;     /* of BerthMountRequest; NULL for none */
    char **ports;          /* "[IP:]HOST:CONTAINER[/PROTOCOL]" */
    char **aliases;        /* further names in the network */
    char **addresses;      /* in the network; one of a family at most */
    const char *mac;
    GPtrArray *further; /* of BerthNetworkEndpoint: in other networks; NULL for none */
    char **servers, **search, **resolver_options; /* for resolv.conf */
    char **hosts;                                 /* "NAME:ADDRESS", for /etc/hosts */
    char **devices;                               /* "/dev/NODE[:PATH[:rwm]]", or names of CDI */
    int read_only, auto_remove, terminal, autostart, no_hosts, publish_all, init;
    const char *client;  /* the caller's unique name: reading its secrets ends when it leaves */
    int unit_bound;      /* it stops with the caller's unit */
    const char *creator; /* removed when this client leaves the bus before the start; NULL: kept */
    char **health_command; /* as Docker's Test: "CMD", …, "CMD-SHELL", TEXT or "NONE" */
    uint64_t health_interval_usec, health_timeout_usec, health_start_usec, health_retries;
    BerthHealthAction health_action;
    char **startup_command; /* the same, of the check that comes first */
    uint64_t startup_interval_usec, startup_timeout_usec, startup_retries, startup_successes;
    uint64_t stop_timeout_usec; /* 0: killed at once; UINT64_MAX: the default */
    struct {
        uint64_t memory_max, tasks_max, cpu_quota, cpu_weight, runtime_max; /* 0: not given */
    } limits;
    GVariantDict *other_limits; /* as systemd's properties, too; NULL for none */
    GVariant *properties;       /* a{sv}: all of them; NULL for none */
} BerthCreateOptions;

/* Kinds of members, by which they are read and freed. */
typedef enum {
    BERTH_FIELD_TEXT,    /* s, as const char * */
    BERTH_FIELD_CHOICE,  /* s, parsed */
    BERTH_FIELD_LIST,    /* as, as char ** */
    BERTH_FIELD_MAP,     /* a{ss}, as char ** */
    BERTH_FIELD_FLAG,    /* b, as int */
    BERTH_FIELD_NUMBER,  /* t, as uint64_t */
    BERTH_FIELD_LIMIT,   /* the same, and a property of that name */
    BERTH_FIELD_INTEGER, /* i, as int */
    BERTH_FIELD_FILE,    /* h, as int; the caller's */
} BerthFieldKind;

/* An option of Create. */
typedef struct {
    const char *key; /* on the bus */
    BerthFieldKind kind;
    size_t offset; /* in BerthCreateOptions */
    bool (*parse)(BerthCreateOptions *options, const char *text, GError **error); /* of a choice */
} BerthCreateField;

/* All but mounts, other_limits and Provisional; the last one has no key. */
extern const BerthCreateField berth_create_fields[];
/* The same for a pod. */
extern const BerthCreateField berth_pod_fields[];

BerthCreateOptions *berth_create_options_new(uint32_t owner);
void berth_create_options_free(BerthCreateOptions *options);
/* Parses spec into plan; once, before anything else is made of the options. */
bool berth_create_options_parse_spec(BerthCreateOptions *options, GError **error);
/* Makes properties of the limits. */
void berth_create_options_set_properties(BerthCreateOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthCreateOptions, berth_create_options_free)

/* What Exec takes; NULL for what the container's own process has. */
typedef struct {
    const char *process; /* its id */
    const char *spec;    /* a whole process of the runtime specification to begin with; or NULL */
    char **command;      /* may be empty with that */
    char **environment;  /* added */
    const char *working_directory, *user;
    int terminal;
    uint32_t rows, columns;
    char **capabilities_add;
    int no_new_privileges; /* also where the container's own process may gain some */
    bool quiet;            /* the service's own check: no record, no events */
    bool by_root;          /* the limits of the container's owner do not apply */
} BerthExecOptions;
