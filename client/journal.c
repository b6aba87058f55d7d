/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "journal.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-journal.h>

enum { LAST_LINES = 10 };

struct DistJournal {
    sd_journal *journal;
    sd_event_source *watch;
};

static void print_line(sd_journal *journal) {
    static const char field[] = "MESSAGE=";
    const void *data;
    size_t size;

    if (sd_journal_get_data(journal, "MESSAGE", &data, &size) < 0 || size < strlen(field))
        return;
    fwrite((const char *)data + strlen(field), 1, size - strlen(field), stdout);
    putchar('\n');
}

static void print_new(sd_journal *journal) {
    while (sd_journal_next(journal) > 0)
        print_line(journal);
    fflush(stdout);
}

static int on_journal(sd_event_source *source, int fd, uint32_t events, void *userdata) {
    DistJournal *journal = userdata;

    (void)source;
    (void)fd;
    (void)events;
    int r = sd_journal_process(journal->journal);
    if (r >= 0)
        print_new(journal->journal);
    return r < 0 ? r : 0;
}

static int begin(DistJournal *journal, sd_event *event, const char *id) {
    g_autofree char *match = g_strdup_printf("_SYSTEMD_UNIT=berth-%s.scope", id);
    int fd, r;

    if ((r = sd_journal_open(&journal->journal, SD_JOURNAL_LOCAL_ONLY)) < 0 ||
        (r = sd_journal_add_match(journal->journal, match, 0)) < 0 ||
        /* It watches from here on. */
        (r = fd = sd_journal_get_fd(journal->journal)) < 0 ||
        (r = sd_journal_seek_tail(journal->journal)) < 0 ||
        (r = sd_journal_previous_skip(journal->journal, LAST_LINES)) < 0)
        return r;
    if (r > 0)
        print_line(journal->journal);
    print_new(journal->journal);
    return sd_event_add_io(event, &journal->watch, fd,
                           (uint32_t)sd_journal_get_events(journal->journal), on_journal, journal);
}

DistJournal *dist_journal_follow(sd_event *event, const char *id, GError **error) {
    g_autoptr(DistJournal) journal = g_new0(DistJournal, 1);
    int r = begin(journal, event, id);

    if (r >= 0)
        return g_steal_pointer(&journal);
    berth_error_set_errno(error, r, "%s", _("read the journal"));
    return NULL;
}

void dist_journal_free(DistJournal *journal) {
    const char *const sync[] = {"journalctl", "--sync", NULL};

    if (!journal)
        return;
    if (journal->watch) {
        sd_event_source_disable_unref(journal->watch);
        /* What was written may still be on its way to the file. Who may not ask for it, is shown
         * what is there. */
        g_spawn_sync(NULL, (char **)sync, NULL,
                     G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                     NULL, NULL, NULL, NULL, NULL, NULL);
        print_new(journal->journal);
    }
    sd_journal_close(journal->journal);
    g_free(journal);
}
