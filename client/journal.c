/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Entries of the journal. A DistJournal follows those of a container with libsystemd; when the
 * container has exited, its owner frees it, which prints the last entries. A DistJournalReader
 * reads a stream in the export format, from journalctl or the service. An entry is not always a
 * whole line, since journald splits long ones.
 */

#include "client/journal.h"

#include "base/journal-entry.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-journal.h>

/* journald limits a field to 768 MiB; a container's entries have at most 48 KiB. */
enum { LAST_LINES = 10, MAX_ENTRY_BYTES = 768 * 1024 * 1024 };

struct DistJournal {
    sd_journal *journal;
    sd_event_source *watch;
};

static void print_message(const void *text, size_t size, bool broken) {
    fwrite(text, 1, size, stdout);
    if (!broken)
        putchar('\n');
}

static void print_line(sd_journal *journal) {
    static const char field[] = "MESSAGE=", reason[] = "_LINE_BREAK=";
    const void *data, *line_break;
    size_t size, line_break_size;

    if (sd_journal_get_data(journal, "MESSAGE", &data, &size) < 0 || size < strlen(field))
        return;
    g_autofree void *text = g_memdup2((const char *)data + strlen(field), size - strlen(field));
    bool broken = sd_journal_get_data(journal, "_LINE_BREAK", &line_break, &line_break_size) >= 0 &&
                  line_break_size > strlen(reason) &&
                  berth_journal_line_is_broken((const char *)line_break + strlen(reason),
                                               line_break_size - strlen(reason));
    print_message(text, size - strlen(field), broken);
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
    /* Resets the descriptor as well, which would otherwise stay readable (sd_journal_get_fd(3)). */
    int r = sd_journal_process(journal->journal);
    if (r >= 0)
        print_new(journal->journal);
    return r < 0 ? r : 0;
}

static int journal_begin(DistJournal *journal, sd_event *event, const char *id) {
    g_autofree char *match = g_strdup_printf("_SYSTEMD_UNIT=berth-%s.scope", id);
    int fd, r;

    if ((r = sd_journal_open(&journal->journal, SD_JOURNAL_LOCAL_ONLY)) < 0 ||
        (r = sd_journal_add_match(journal->journal, match, 0)) < 0 ||
        /* The first call begins to watch, so no entry is lost between the last lines and the loop.
         */
        (r = fd = sd_journal_get_fd(journal->journal)) < 0 ||
        (r = sd_journal_seek_tail(journal->journal)) < 0 ||
        (r = sd_journal_previous_skip(journal->journal, LAST_LINES)) < 0 ||
        /* There is no entry yet. After the tail, only the last of several new ones would be found.
         */
        (r == 0 && (r = sd_journal_seek_head(journal->journal)) < 0))
        return r;
    /* sd_journal_next() continues after the current entry, so this one is printed here. */
    if (r > 0)
        print_line(journal->journal);
    print_new(journal->journal);
    return sd_event_add_io(event, &journal->watch, fd,
                           (uint32_t)sd_journal_get_events(journal->journal), on_journal, journal);
}

DistJournal *dist_journal_follow(sd_event *event, const char *id, GError **error) {
    g_autoptr(DistJournal) journal = g_new0(DistJournal, 1);
    int r = journal_begin(journal, event, id);

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
        /* journald may not have written the last entries to the file yet. If the caller may not
         * synchronize it, only the entries already there are printed. */
        g_spawn_sync(NULL, (char **)sync, NULL,
                     G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
                     NULL, NULL, NULL, NULL, NULL, NULL);
        print_new(journal->journal);
    }
    sd_journal_close(journal->journal);
    g_free(journal);
}

/* Reads a binary value of the export format (systemd's JOURNAL_EXPORT_FORMATS): a field is a line
 * NAME=VALUE or, if its value is binary, a line NAME, a size of eight bytes in little endian, and
 * as many bytes, followed by a newline; an empty line ends the entry. The size comes from outside,
 * hence the limit. */
static bool read_binary(FILE *stream, const DistJournalReader *reader, const char *name) {
    uint64_t size;

    if (fread(&size, 1, sizeof size, stream) != sizeof size ||
        GUINT64_FROM_LE(size) > MAX_ENTRY_BYTES)
        return false;
    size = GUINT64_FROM_LE(size);
    g_autofree char *value = g_malloc(size + 1);
    if (fread(value, 1, size, stream) != size || getc(stream) != '\n')
        return false;
    value[size] = '\0';
    reader->take_field(name, value, size, reader->userdata);
    return true;
}

static bool read_export(FILE *stream, const DistJournalReader *reader) {
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    bool good = true;

    while (good && (length = getline(&line, &room, stream)) > 0) {
        char *equals = memchr(line, '=', (size_t)length);
        line[--length] = '\0';
        if (length == 0) {
            reader->end_entry(reader->userdata);
        } else if (equals) {
            *equals = '\0';
            reader->take_field(line, equals + 1, (size_t)(line + length - equals - 1),
                               reader->userdata);
        } else {
            good = read_binary(stream, reader, line);
        }
    }
    /* The last entry need not be followed by an empty line. */
    reader->end_entry(reader->userdata);
    free(line);
    return good;
}

bool dist_journal_read_fd(int fd, const DistJournalReader *reader, GError **error) {
    FILE *stream = fdopen(fd, "r");
    bool good = stream && read_export(stream, reader);

    if (stream)
        fclose(stream);
    return good || berth_error_set(error, BERTH_ERROR_INTERNAL, "%s",
                                   _("the service sent a malformed journal entry"));
}

bool dist_journal_read(char *const *arguments, const DistJournalReader *reader, GError **error) {
    g_autoptr(GError) local = NULL;
    GPid pid;
    int output, status = 0;

    if (!g_spawn_async_with_pipes(NULL, (char **)arguments, NULL,
                                  G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid,
                                  NULL, &output, NULL, &local))
        return berth_error_set(error, BERTH_ERROR_INTERNAL, _("run journalctl: %s"),
                               local->message);
    FILE *stream = fdopen(output, "r");
    bool good = stream && read_export(stream, reader);
    /* Closed before waiting: a journalctl that still has data to write would never exit. */
    if (stream)
        fclose(stream);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!good)
        return berth_error_set(error, BERTH_ERROR_INTERNAL, "%s",
                               _("journalctl printed a malformed entry"));
    return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
           berth_error_set(error, BERTH_ERROR_INTERNAL, "%s", _("journalctl failed"));
}

bool dist_journal_knows(const char *id) {
    g_autofree char *match = g_strdup_printf("_SYSTEMD_UNIT=berth-%s.scope", id);
    sd_journal *journal = NULL;
    bool known = sd_journal_open(&journal, SD_JOURNAL_LOCAL_ONLY) >= 0 &&
                 sd_journal_add_match(journal, match, 0) >= 0 &&
                 sd_journal_seek_head(journal) >= 0 && sd_journal_next(journal) > 0;

    sd_journal_close(journal);
    return known;
}
