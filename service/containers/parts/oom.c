/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reports what the out-of-memory killer does as an event ("oom"). A watch exists while the
 * container runs. The kernel's counter decides whether there is an event; its notification only
 * triggers a reading.
 */

#include "containers/parts/oom.h"

#include "base/log.h"
#include "containers/core/state.h"
#include "systemd/cgroup.h"

#include <unistd.h>

/* How often, and at what interval, the counter is read again if it has not changed yet. */
enum { MAX_NOTICES = 4096, MAX_RECOUNTS = 20, RECOUNT_USEC = 50 * 1000 };

typedef struct {
    BerthContainer *container;
    sd_event_source *notice, *recount;
    unsigned recounts; /* left since the last notification */
    uint64_t kills;
} OomWatch;

static OomWatch *get_watch(const BerthContainer *container) {
    return *berth_container_slot(container, &berth_oom_part);
}

/* In the record's extra, b; absent: no. It is written with the exit; for a running container, it is
 * found again by the counter of its cgroup, which exists only for this run. */
#define OOM_KILLED "OOMKilled"

bool berth_container_was_oom_killed(const BerthContainer *container) {
    g_autoptr(GVariant) killed =
        berth_container_record_get_extra(&container->record, OOM_KILLED, G_VARIANT_TYPE_BOOLEAN);

    return killed && g_variant_get_boolean(killed);
}

static void set_oom_killed(BerthContainer *container, bool killed) {
    berth_container_record_set_extra(&container->record, OOM_KILLED,
                                     killed ? g_variant_new_boolean(TRUE) : NULL);
}

static void count_kills(OomWatch *watch);

static int on_recount(sd_event_source *source, uint64_t usec, void *userdata) {
    OomWatch *watch = userdata;

    (void)source;
    (void)usec;
    watch->recount = sd_event_source_disable_unref(watch->recount);
    count_kills(watch);
    return 0;
}

/* On cgroup v1 the kernel sends the notification before it selects and kills a process, and so
 * before it counts the kill. */
static void count_again(OomWatch *watch) {
    if (watch->recount || watch->recounts == 0)
        return;
    watch->recounts--;
    (void)sd_event_add_time_relative(watch->container->containers->event, &watch->recount,
                                     CLOCK_MONOTONIC, RECOUNT_USEC, 0, on_recount, watch);
}

/* Records one event if the counter has grown since the last reading, however many processes were
 * killed. */
static void count_kills(OomWatch *watch) {
    BerthContainer *container = watch->container;
    const BerthContainerRecord *record = &container->record;
    uint64_t kills = berth_cgroup_count_oom_kills((pid_t)record->first.pid,
                                                  berth_container_get_cgroup_name(container));

    if (kills <= watch->kills) {
        count_again(watch);
        return;
    }
    watch->recounts = 0;
    watch->kills = kills;
    set_oom_killed(container, true);
    berth_container_add_event(container, "oom");
    berth_log(LOG_NOTICE, NULL, "BERTH_CONTAINER", record->id,
              "The out-of-memory killer has killed a process of container %s", record->id);
}

static int on_notice(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    OomWatch *watch = userdata;
    char notices[MAX_NOTICES];

    (void)source;
    (void)events;
    /* Only drains the descriptor; the contents do not matter. */
    (void)!read(fd, notices, sizeof notices);
    watch->recounts = MAX_RECOUNTS;
    count_kills(watch);
    return 0;
}

static void oom_stop(BerthContainer *container) {
    OomWatch *watch = get_watch(container);

    if (!watch)
        return;
    if (watch->recount)
        sd_event_source_disable_unref(watch->recount);
    if (watch->notice)
        sd_event_source_disable_unref(watch->notice);
    g_free(watch);
    *berth_container_slot(container, &berth_oom_part) = NULL;
}

static void oom_start(BerthContainer *container) {
    pid_t pid = (pid_t)container->record.first.pid;

    oom_stop(container);
    int fd = berth_cgroup_watch_oom(pid, berth_container_get_cgroup_name(container));
    if (fd < 0)
        return;
    OomWatch *watch = g_new0(OomWatch, 1);
    watch->container = container;
    watch->kills = berth_cgroup_count_oom_kills(pid, berth_container_get_cgroup_name(container));
    *berth_container_slot(container, &berth_oom_part) = watch;
    if (sd_event_add_io(container->containers->event, &watch->notice, fd, EPOLLIN, on_notice,
                        watch) < 0) {
        close(fd);
        oom_stop(container);
        return;
    }
    sd_event_source_set_io_fd_own(watch->notice, 1);
    /* Higher priority than the end of the process, which may be its result. */
    sd_event_source_set_priority(watch->notice, SD_EVENT_PRIORITY_NORMAL - 20);
}

static void oom_recovered(BerthContainer *container, const BerthKeptDescriptors *kept) {
    (void)kept;
    if (!berth_container_is_running(container))
        return;
    oom_start(container);
    const OomWatch *watch = get_watch(container);
    if (watch && watch->kills > 0)
        set_oom_killed(container, true);
}

/* Before the command runs, since it may be killed before its start has been reported. */
static bool oom_recording(BerthContainer *container, GError **error) {
    (void)error;
    set_oom_killed(container, false);
    oom_start(container);
    return true;
}

/* The cause of an exit is recorded before the exit. */
static void oom_exiting(BerthContainer *container) {
    OomWatch *watch = get_watch(container);

    if (watch)
        count_kills(watch);
    oom_stop(container);
}

const BerthPart berth_oom_part = {
    .name = "oom",
    .recovered = oom_recovered,
    .recording = oom_recording,
    .exiting = oom_exiting,
    .freed = oom_stop,
};
