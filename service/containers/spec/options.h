/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of Create and Exec. */

#pragma once

#include "base/secret.h"
#include "containers/spec/network-mode.h"
#include "images/images.h"
#include "plan/plan.h"
#include "store/container-record.h"

typedef enum {
    BERTH_USER_NAMESPACE_AUTO, /* its own, with host ids that nobody else has */
    BERTH_USER_NAMESPACE_HOST,
} BerthUserNamespace;

/* The action taken when a container becomes unhealthy. */
typedef enum {
    BERTH_HEALTH_ACTION_NONE, /* it continues */
    BERTH_HEALTH_ACTION_KILL, /* after which its restart policy applies */
    BERTH_HEALTH_ACTION_STOP,
} BerthHealthAction;

/* The names used by Create and in the record of a container; NULL-terminated. */
extern const char *const berth_health_actions[];

/* The number of host ids in a container's user namespace. */
enum { BERTH_IDS_COUNT = 65536 };

/* "keep-id": the caller is mapped to a user of the container other than root. The command runs as
 * that user, who also owns the caller's files that are mounted. */
typedef struct {
    bool given;
    uint32_t uid, gid; /* in the container */
} BerthKeptId;

/* For PID and IPC namespaces. In the host's, a container can see all processes or all shared memory
 * of the machine. */
typedef enum {
    BERTH_NAMESPACE_PRIVATE,
    BERTH_NAMESPACE_HOST,
} BerthNamespaceMode;

/* The action taken when the last container in a pod has ended. */
typedef enum {
    BERTH_POD_NOT, /* a container that is not a pod */
    BERTH_POD_EXIT_CONTINUE,
    BERTH_POD_EXIT_STOP,
} BerthPodExit;

typedef enum {
    BERTH_CGROUP_SCOPE,  /* its own scope */
    BERTH_CGROUP_CALLER, /* below the caller's cgroup */
} BerthCgroupMode;

typedef enum {
    BERTH_SECCOMP_DEFAULT,
    BERTH_SECCOMP_UNCONFINED,
    BERTH_SECCOMP_PROFILE, /* one supplied by the caller */
} BerthSeccomp;

/* The options of Create. The object owns everything its members point to, except the descriptor.
 * NULL stands for the image's value. */
typedef struct {
    const char *id; /* "" to generate one */
    const char *image;
    uint32_t owner;
    char **command;
    char **environment;     /* added to the image's */
    char **unset;           /* variables of the image to leave out; "*" for all */
    char **entrypoint;      /* replaces the image's, and its command; "" alone for none */
    char **groups;          /* supplementary, as names or numbers in the image */
    uint64_t umask;         /* UINT64_MAX: the default */
    int oom_score;          /* INT_MAX: not given */
    char **resource_limits; /* "NOFILE", "SOFT[:HARD]"… */
    char **sysctls;         /* name, value… */
    const char *personality;
    char **annotations;  /* key, value… */
    const char *log_tag; /* the identifier of its output in the journal; NULL for its id */
    const char *working_directory, *user, *hostname, *slice, *stop_signal;
    BerthNetworkMode network_mode;
    const char *network; /* as given; NULL for none */
    BerthSeccomp seccomp;
    const char *seccomp_profile; /* JSON text */
    char **masked, **unmasked;   /* paths; those that are unmasked may be patterns, or ALL */
    const char *apparmor;        /* a profile; NULL for none */
    BerthUserNamespace user_namespace;
    BerthKeptId kept_id; /* only with BERTH_USER_NAMESPACE_AUTO */
    BerthNamespaceMode pid_namespace, ipc_namespace, uts_namespace;
    BerthCgroupMode cgroup;
    char *cgroup_parent;     /* the cgroup of the calling process; NULL for a scope */
    uint64_t cgroup_managed; /* its id, if it was created by a manager of cgroups; or 0 */
    char *bound_unit;        /* the unit of the calling process; NULL unless unit_bound */
    BerthRestartPolicy restart;
    uint64_t restart_limit; /* maximum number of restarts; 0 for no limit */
    const char *spec;       /* a complete OCI runtime configuration; image may then be "" */
    BerthPlan *plan;        /* parsed spec; NULL if there is none, or it cannot be parsed */
    int root_directory;     /* opened by the caller, replaces the image; or -1 */
    const char *pod;        /* the pod whose namespaces it joins; NULL for its own */
    /* Of the pod, or of the container whose network it joins. */
    uint32_t pod_ids;      /* the first host id; 0 for the host's own */
    uint64_t pod_created;  /* when it was created, in µs; a later one may have its name */
    char **pod_networks;   /* its networks, or "host" or "none" */
    BerthPodExit pod_exit; /* only for a pod */
    uint64_t shm_size;     /* only for a pod: bytes of /dev/shm; 0 for the default */
    char **capabilities_add, **capabilities_drop;
    char **labels;         /* key, value… */
    GPtrArray *secrets;    /* of BerthSecretRequest; NULL for none */
    bool has_secret_files; /* at least one is a file, not just a variable */
    GPtrArray *mounts;     /* of BerthMountRequest; NULL for none */
    GPtrArray *root_mount; /* the same, only one: the root directory, without a Spec; or NULL */
    char **pinned;         /* layers and blobs of images that are mounted; NULL for none */
    char **ports;          /* "[IP:]HOST:CONTAINER[/PROTOCOL]" */
    char **aliases;        /* additional names in the network */
    char **addresses;      /* in the network, at most one per family */
    const char *mac;
    GPtrArray *additional_endpoints;              /* of BerthNetworkEndpoint; NULL for none */
    char **servers, **search, **resolver_options; /* for resolv.conf */
    char **hosts;                                 /* "NAME:ADDRESS", for /etc/hosts */
    char **devices;                               /* "/dev/NODE[:PATH[:rwm]]", or CDI names */
    int read_only, auto_remove, terminal, autostart, no_hosts, publish_all, init;
    const char *client;  /* unique name; reading the secrets ends when it disconnects */
    int unit_bound;      /* stops with the caller's unit */
    const char *creator; /* if it disconnects before the start, the container is removed; or NULL */
    char **health_command; /* in the form of Docker's Test: "CMD"…, "CMD-SHELL", TEXT or "NONE" */
    uint64_t health_interval_usec, health_timeout_usec, health_start_usec, health_retries;
    uint64_t health_start_interval_usec;
    BerthHealthAction health_action;
    char **startup_command; /* the same, for the startup check */
    uint64_t startup_interval_usec, startup_timeout_usec, startup_retries, startup_successes;
    uint64_t stop_timeout_usec; /* 0 to kill at once; UINT64_MAX for the default */
    struct {
        uint64_t memory_max, tasks_max, cpu_quota, cpu_weight, runtime_max; /* 0: not given */
    } limits;
    GVariantDict *other_limits; /* further systemd properties; NULL for none */
    GVariant *properties;       /* a{sv}, all limits together; NULL for none */
} BerthCreateOptions;

/* The type of an option on the bus and of its member, which decides how it is read and freed. */
typedef enum {
    BERTH_FIELD_TEXT,    /* s, as const char * */
    BERTH_FIELD_CHOICE,  /* s, parsed into an enum */
    BERTH_FIELD_LIST,    /* as, as char ** */
    BERTH_FIELD_MAP,     /* a{ss}, as char ** */
    BERTH_FIELD_FLAG,    /* b, as int */
    BERTH_FIELD_NUMBER,  /* t, as uint64_t */
    BERTH_FIELD_LIMIT,   /* t, as uint64_t; also a property of the same name */
    BERTH_FIELD_INTEGER, /* i, as int */
    BERTH_FIELD_FILE,    /* h, as int; owned by the caller */
} BerthFieldKind;

/* An option of Create. */
typedef struct {
    const char *key; /* the name on the bus */
    BerthFieldKind kind;
    size_t offset; /* in BerthCreateOptions */
    /* Only for a choice. */
    bool (*parse)(BerthCreateOptions *options, const char *text, GError **error);
} BerthCreateField;

/* All options but mounts, other_limits and Provisional. The last entry has no key. */
extern const BerthCreateField berth_create_fields[];
/* The same for Create of a pod. */
extern const BerthCreateField berth_pod_fields[];

BerthCreateOptions *berth_create_options_new(uint32_t owner);
void berth_create_options_free(BerthCreateOptions *options);
/* Parses spec into plan. Must be called once, before anything else uses the options. */
bool berth_create_options_parse_spec(BerthCreateOptions *options, GError **error);
/* Makes properties out of the limits. */
void berth_create_options_set_properties(BerthCreateOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(BerthCreateOptions, berth_create_options_free)

/* The options of Exec. NULL stands for the value of the container's first process. */
typedef struct {
    const char *process; /* its id */
    const char *spec;    /* a complete process of the runtime specification; or NULL */
    char **command;      /* may be empty if spec is set */
    char **environment;  /* added to the existing one */
    const char *working_directory, *user;
    int terminal;
    uint32_t rows, columns;
    char **capabilities_add;
    int no_new_privileges; /* even if the container's first process may gain privileges */
    bool quiet;            /* a check by the service itself: no record, no events */
    bool by_root;          /* the limits of the container's owner do not apply */
} BerthExecOptions;
