/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One call of io.systemd.Journal.Synchronize, in journald's Varlink interface, which "journalctl
 * --sync" uses too. The object waits for the reply, and then for its owner to free it. The one
 * thing to know: journald replies after it has processed everything that was in its sockets before.
 * The contents of the reply do not matter; it is sufficient that there is one, or that the
 * connection is closed.
 */

#include "systemd/journal-sync.h"

#include "base/fd.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define TIMEOUT_USEC (5 * G_USEC_PER_SEC)

struct BerthJournalSync {
    int socket;
    sd_event_source *reply, *timeout;
    void (*done)(void *userdata);
    void *userdata;
};

void berth_journal_sync_free(BerthJournalSync *sync) {
    if (!sync)
        return;
    if (sync->reply)
        sd_event_source_disable_unref(sync->reply);
    if (sync->timeout)
        sd_event_source_disable_unref(sync->timeout);
    berth_fd_clear(&sync->socket);
    g_free(sync);
}

/* The owner frees it in done. */
static void journal_sync_finish(BerthJournalSync *sync) {
    sd_event_source_set_enabled(sync->reply, SD_EVENT_OFF);
    sd_event_source_set_enabled(sync->timeout, SD_EVENT_OFF);
    sync->done(sync->userdata);
}

static int journal_sync_on_reply(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    (void)source;
    (void)fd;
    (void)events;
    journal_sync_finish(userdata);
    return 0;
}

static int journal_sync_on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
    (void)source;
    (void)usec;
    journal_sync_finish(userdata);
    return 0;
}

/* A Varlink message ends with a NUL. Neither connecting nor sending blocks: if journald accepts no
 * connection right now, it is not waited for. */
static bool journal_sync_ask(int socket) {
    static const char call[] = "{\"method\":\"io.systemd.Journal.Synchronize\"}";
    const struct sockaddr_un address = {.sun_family = AF_UNIX,
                                        .sun_path = "/run/systemd/journal/io.systemd.journal"};

    return connect(socket, (const struct sockaddr *)&address, sizeof address) == 0 &&
           send(socket, call, sizeof call, MSG_NOSIGNAL) == sizeof call;
}

BerthJournalSync *berth_journal_sync_new(sd_event *event, void (*done)(void *userdata),
                                         void *userdata) {
    BerthJournalSync *sync = g_new0(BerthJournalSync, 1);

    *sync = (BerthJournalSync){.done = done, .userdata = userdata};
    sync->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sync->socket < 0 || !journal_sync_ask(sync->socket) ||
        sd_event_add_io(event, &sync->reply, sync->socket, EPOLLIN, journal_sync_on_reply, sync) <
            0 ||
        sd_event_add_time_relative(event, &sync->timeout, CLOCK_MONOTONIC, TIMEOUT_USEC, 0,
                                   journal_sync_on_timeout, sync) < 0) {
        berth_journal_sync_free(sync);
        return NULL;
    }
    return sync;
}
