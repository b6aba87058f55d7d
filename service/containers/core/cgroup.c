/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A container is in a scope or in a cgroup below its caller's. A scope belongs to systemd, which is
 * asked to start, stop and kill it. A cgroup below the caller's is created and removed here; the
 * manager of the caller's unit does not know it, and ends it together with the unit. The path used
 * is always the one in the record, never that of the processes: the owner of the parent can move
 * them anywhere within its delegation.
 *
 * A removal is retried for a while, since a cgroup cannot be removed while its processes are
 * exiting. A pending removal has its own copy of the path: by then the container may be gone, or
 * started again, and then its next exit removes the cgroup.
 */

#include "containers/core/cgroup.h"

#include "systemd/cgroup.h"
#include "systemd/delegated.h"

#include <errno.h>
#include <signal.h>

enum { REMOVAL_TRIES = 100, REMOVAL_INTERVAL_USEC = 50 * 1000 };

typedef struct {
    BerthContainers *containers;
    char *id, *path;
    unsigned tries; /* left */
} CgroupRemoval;

int berth_container_make_cgroup(const BerthContainer *container, GError **error) {
    const BerthContainerRecord *record = &container->record;

    if (!container->cgroup)
        return -1;
    g_autofree char *parent = g_path_get_dirname(container->cgroup);
    g_autofree char *name = g_path_get_basename(container->cgroup);
    g_autoptr(GVariant) managed = berth_container_record_get_extra(
        record, BERTH_CGROUP_PARENT_MANAGED, G_VARIANT_TYPE_UINT64);
    return berth_delegated_make_limited(parent, name, record->owner,
                                        managed ? g_variant_get_uint64(managed) : 0,
                                        record->properties, error);
}

static void cgroup_removal_free(CgroupRemoval *removal) {
    g_free(removal->id);
    g_free(removal->path);
    g_free(removal);
}

/* A container that is running again has created the cgroup again. One that has only the name may be
 * in another cgroup. */
static bool cgroup_removal_is_over(const CgroupRemoval *removal) {
    const BerthContainer *container = g_hash_table_lookup(removal->containers->by_id, removal->id);

    return (container && g_strcmp0(container->cgroup, removal->path) == 0 &&
            (berth_container_is_running(container) || berth_container_is_starting(container))) ||
           berth_delegated_remove(removal->path) || removal->tries == 0;
}

static int cgroup_removal_try(sd_event_source *source, uint64_t usec, void *userdata) {
    CgroupRemoval *removal = userdata;

    (void)usec;
    removal->tries--;
    if (!cgroup_removal_is_over(removal) &&
        sd_event_source_set_time_relative(source, REMOVAL_INTERVAL_USEC) >= 0)
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    sd_event_source_unref(source);
    cgroup_removal_free(removal);
    return 0;
}

/* Without a PID namespace, the first process may leave others behind. They are killed, since they
 * would otherwise stay in the caller's unit. */
static void cgroup_remove(const BerthContainer *container) {
    sd_event_source *source;

    (void)berth_cgroup_kill(0, container->cgroup);
    if (berth_delegated_remove(container->cgroup))
        return;
    CgroupRemoval *removal = g_new0(CgroupRemoval, 1);
    *removal = (CgroupRemoval){container->containers, g_strdup(container->record.id),
                               g_strdup(container->cgroup), REMOVAL_TRIES};
    if (sd_event_add_time_relative(container->containers->event, &source, CLOCK_MONOTONIC,
                                   REMOVAL_INTERVAL_USEC, 0, cgroup_removal_try, removal) < 0)
        g_error("out of memory");
}

void berth_container_leave_cgroup(BerthContainer *container) {
    if (container->cgroup)
        cgroup_remove(container);
    else
        berth_scopes_stop(container->containers->scopes, container->scope);
}

void berth_container_leave_unseen_scope(BerthContainer *container) {
    if (container->containers->scopes_unknown && !container->cgroup)
        berth_scopes_stop(container->containers->scopes, container->scope);
}

/* cgroup.kill also works on a frozen cgroup and on processes forked at the same time. Other signals
 * are sent to one process after another. */
void berth_container_signal_all(const BerthContainer *container, int signal) {
    pid_t first = (pid_t)container->record.first.pid;

    if (signal == SIGKILL && berth_cgroup_kill(first, berth_container_get_cgroup_name(container)))
        return;
    if (container->cgroup)
        berth_cgroup_signal(first, container->cgroup, signal);
    else
        berth_scopes_kill(container->containers->scopes, container->scope, signal, NULL, NULL);
}
