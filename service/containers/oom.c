/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The out-of-memory killer, as an event. */

#include "base/log.h"
#include "containers/container-private.h"
#include "systemd/cgroup.h"

#include <unistd.h>

/* How often, and at which distance, a count that has not changed yet is read again. */
enum { MAX_NOTICES = 4096, MAX_RECOUNTS = 20, RECOUNT_USEC = 50 * 1000 };

static int on_recount(sd_event_source *source, uint64_t usec, void *userdata) {
    BerthContainer *container = userdata;

    (void)source;
    (void)usec;
    container->oom_recount = sd_event_source_disable_unref(container->oom_recount);
    berth_container_look_for_oom(container);
    return 0;
}

/* The version 1 hierarchy gives notice before the killer has chosen, and so before it counts. */
static void count_again(BerthContainer *container) {
    if (container->oom_recount || container->oom_recounts == 0)
        return;
    container->oom_recounts--;
    (void)sd_event_add_time_relative(container->containers->event, &container->oom_recount,
                                     CLOCK_MONOTONIC, RECOUNT_USEC, 0, on_recount, container);
}

void berth_container_look_for_oom(BerthContainer *container) {
    BerthContainerRecord *record = &container->record;
    uint64_t sequence;

    if (!container->oom_watch)
        return;
    uint64_t kills = berth_cgroup_count_oom_kills((pid_t)record->first.pid, container->scope);
    if (kills <= container->oom_kills) {
        count_again(container);
        return;
    }
    container->oom_recounts = 0;
    container->oom_kills = kills;
    if (berth_container_store_add_event(container->containers->database, record, "oom", &sequence,
                                        NULL))
        berth_container_tell(container, sequence);
    berth_log(LOG_NOTICE, NULL, "BERTH_CONTAINER", record->id,
              "A process of container %s was killed: it is out of memory", record->id);
}

static int on_notice(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    BerthContainer *container = userdata;
    char notices[MAX_NOTICES];

    (void)source;
    (void)events;
    /* What they say does not matter: the count does. */
    (void)!read(fd, notices, sizeof notices);
    container->oom_recounts = MAX_RECOUNTS;
    berth_container_look_for_oom(container);
    return 0;
}

void berth_container_watch_oom(BerthContainer *container) {
    pid_t pid = (pid_t)container->record.first.pid;

    berth_container_stop_watching_oom(container);
    int fd = berth_cgroup_watch_oom(pid, container->scope);
    if (fd < 0)
        return;
    container->oom_kills = berth_cgroup_count_oom_kills(pid, container->scope);
    if (sd_event_add_io(container->containers->event, &container->oom_watch, fd, EPOLLIN, on_notice,
                        container) < 0) {
        close(fd);
        return;
    }
    sd_event_source_set_io_fd_own(container->oom_watch, 1);
    /* Before the end of the process, which it may be the reason of. */
    sd_event_source_set_priority(container->oom_watch, SD_EVENT_PRIORITY_NORMAL - 20);
}

void berth_container_stop_watching_oom(BerthContainer *container) {
    container->oom_recounts = 0;
    if (container->oom_recount)
        container->oom_recount = sd_event_source_disable_unref(container->oom_recount);
    if (container->oom_watch)
        container->oom_watch = sd_event_source_disable_unref(container->oom_watch);
}
