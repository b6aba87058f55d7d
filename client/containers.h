/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Containers, as the service lists them. */

#pragma once

#include "client/list-filter.h"

typedef enum {
    DIST_CONTAINER_UNKNOWN, /* a state that this dist does not know */
    DIST_CONTAINER_CREATED,
    DIST_CONTAINER_RUNNING,
    DIST_CONTAINER_PAUSED,
    DIST_CONTAINER_STOPPED,
} DistContainerState;

/* Strings belong to the reply unless noted otherwise. */
typedef struct {
    sd_bus_message *reply;
    const char *id, *image, *state_name, *scope, *health, *pod;
    DistContainerState state;
    uint32_t pid, owner;
    int32_t status; /* of the last exit; negative if unknown */
    uint64_t created, started, exited;
    int terminal, autostart;
    uint32_t restarts;
    char **command, **ports;    /* owned */
    char **networks, **volumes; /* owned; as pod, restarts and labels, not of all listings */
    GHashTable *labels;         /* owned */
} DistContainer;

void dist_container_free(DistContainer *container);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DistContainer, dist_container_free)

/* NULL with error. */
DistContainer *dist_container_get(const char *id, GError **error);
/* The same from a reply to Get that has no error. */
DistContainer *dist_container_read(sd_bus_message *reply, GError **error);

/* Whether it has a terminal. False with error if the container cannot be read. */
bool dist_container_find_terminal(const char *id, bool *terminal, GError **error);

/* The resources that a container uses now or has used since it was started. */
typedef struct {
    uint64_t memory, cpu_usec, tasks, read, written, received, sent;
    uint64_t memory_max; /* UINT64_MAX: no limit */
    uint64_t time_usec;  /* of the measurement */
} DistContainerUsage;

/* A running container has memory, a task and used a processor, so 0 is unknown for these; what it
 * has read and written is UINT64_MAX if it is unknown. */
bool dist_container_read_usage(const char *id, DistContainerUsage *figures, GError **error);

/* All containers that the caller may see and that match --filter, oldest first. names: the filters
 * that --filter knows, or NULL for no filter, and for containers without pod, networks, volumes and
 * restarts. Labels, which may be long, are left out unless they are needed. NULL with error. */
GPtrArray *dist_containers_list(const DistFilterName *names, bool with_labels, GError **error);

/* The ids of the containers for which wanted() is true. Freed with g_strfreev(); NULL with error.
 */
typedef bool (*DistContainerFilter)(const DistContainer *container);
char **dist_containers_list_ids(DistContainerFilter wanted, GError **error);

/* What a mount shows. */
typedef enum {
    DIST_MOUNT_OF_KERNEL, /* a file system, such as proc or tmpfs */
    DIST_MOUNT_OF_PATH,   /* a path of the host, or a volume */
    DIST_MOUNT_OF_IMAGE,  /* or of an artifact */
} DistContainerMountKind;

/* An item of a container's Mounts. Strings belong to the message. */
typedef struct {
    const char *source, *destination;
    char **options; /* owned; NULL if there are none */
    DistContainerMountKind kind;
} DistContainerMount;

/* 1, or 0 at the end; negative errno on error. The options are freed with g_strfreev(). */
int dist_container_read_mount(sd_bus_message *message, DistContainerMount *mount);

/* Whether the service added a mount by itself, such as a file of /etc. options may be NULL. */
bool dist_container_mount_is_own(const char *id, const char *source, const char *destination,
                                 char *const *options);

/* Splits "[IP:]HOST:CONTAINER[/PROTOCOL]" into "CONTAINER/PROTOCOL" and "IP:HOST". The caller frees
 * both. */
void dist_container_split_port(const char *text, char **container, char **host);

/* Whether it is running or paused. */
bool dist_container_is_running(const DistContainer *container);
/* Whether it starts with the system and is not running. */
bool dist_container_awaits_autostart(const DistContainer *container);
