/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * berth-journal: writes what one container has logged to a pipe, whose other end is a client's.
 * There is one process per reader; it serves one call and waits wherever necessary: for the client
 * to read, or for the container to log. Its root is a read-only view of the journal's directory,
 * and what it parses there may have been written by anybody on the machine. It exits when the
 * client closes the pipe, and berthd kills it when the client disconnects from the bus.
 */

#include "base/fd.h"
#include "base/journal-entry.h"
#include "config.h"
#include "frame/frame.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

/* A new journal file can be opened only once its header has been written, which no event announces.
 * For this long after a file has appeared, all files are reopened repeatedly. */
#define SETTLE_USEC (10 * G_USEC_PER_SEC)
enum { SETTLE_POLL_MSEC = 250, UNWATCHED_POLL_MSEC = 1000 };

/* Made before the sandbox is entered; -1 if there is none. */
static int watch = -1;

typedef struct {
    sd_journal *journal;
    char *match, *cursor; /* cursor: of the last entry; NULL if there was none */
    int changes;          /* inotify; -1: not followed, or looked at from time to time */
    int end;              /* berthd's pipe */
    bool ended;           /* nothing more will be in the journal */
    int64_t settled_usec; /* when new files are assumed to be complete */
    FILE *output;
    uint64_t since_usec, until_usec, lines;
    bool follow;
    bool messages; /* only these, as they were written; otherwise entries with fields */
    char **fields; /* of entries; empty: all */
} Reader;

static void reader_clear(Reader *reader) {
    sd_journal_close(reader->journal);
    berth_fd_clear(&reader->changes);
    berth_fd_clear(&reader->end);
    g_free(reader->match);
    free(reader->cursor);
    if (reader->output)
        fclose(reader->output);
    g_strfreev(reader->fields);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Reader, reader_clear)

/* The value of a field of the current entry; NULL if it has none. Valid until the next call. */
static const char *get_field(sd_journal *journal, const char *name, size_t *size) {
    const void *data;
    size_t skipped = strlen(name) + 1;

    if (sd_journal_get_data(journal, name, &data, size) < 0 || *size < skipped)
        return NULL;
    *size -= skipped;
    return (const char *)data + skipped;
}

static bool entry_is_broken(sd_journal *journal) {
    size_t size;
    const char *reason = get_field(journal, "_LINE_BREAK", &size);

    return reason && berth_journal_line_is_broken(reason, size);
}

static void write_message(Reader *reader) {
    size_t size;
    const char *text = get_field(reader->journal, "MESSAGE", &size);

    if (!text)
        return;
    fwrite(text, 1, size, reader->output);
    if (!entry_is_broken(reader->journal))
        putc('\n', reader->output);
}

static bool is_plain(const char *value, size_t size) {
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)value[i] < ' ' && value[i] != '\t')
            return false;
    return g_utf8_validate(value, (gssize)size, NULL);
}

/* journald's export format (JOURNAL_EXPORT_FORMATS): text as NAME=VALUE, anything else as the name,
 * the size in 64 bits, little-endian, and the value. */
static void write_field(const Reader *reader, const char *data, size_t size) {
    const char *equals = memchr(data, '=', size);
    g_autofree char *name = equals ? g_strndup(data, (gsize)(equals - data)) : NULL;

    if (!name || (reader->fields && reader->fields[0] &&
                  !g_strv_contains((const char *const *)reader->fields, name)))
        return;
    const char *value = equals + 1;
    size_t left = size - (size_t)(value - data);
    if (is_plain(value, left)) {
        fwrite(data, 1, size, reader->output);
    } else {
        const uint64_t little = GUINT64_TO_LE(left);
        fprintf(reader->output, "%s\n", name);
        fwrite(&little, sizeof little, 1, reader->output);
        fwrite(value, 1, left, reader->output);
    }
    putc('\n', reader->output);
}

static void write_entry(Reader *reader) {
    const void *data;
    uint64_t usec;
    size_t size;

    if (sd_journal_get_realtime_usec(reader->journal, &usec) < 0)
        return;
    fprintf(reader->output, "__REALTIME_TIMESTAMP=%" G_GUINT64_FORMAT "\n", usec);
    SD_JOURNAL_FOREACH_DATA(reader->journal, data, size)
    write_field(reader, data, size);
    putc('\n', reader->output);
}

/* What berthd has sent through its pipe (worker-members.h). */
static void read_end(Reader *reader) {
    uint64_t until_usec;
    ssize_t size;

    while ((size = read(reader->end, &until_usec, sizeof until_usec)) == sizeof until_usec)
        reader->until_usec = MIN(reader->until_usec, until_usec);
    reader->ended = size == 0;
}

/* False if there is nothing more to write, or nobody reads it. Another container may have got the
 * name before this entry was written, which berthd has said by then. */
static bool write_current(Reader *reader) {
    uint64_t usec;

    read_end(reader);
    if (sd_journal_get_realtime_usec(reader->journal, &usec) >= 0) {
        if (usec > reader->until_usec)
            return false;
        if (usec < reader->since_usec)
            return true;
    }
    if (reader->messages)
        write_message(reader);
    else
        write_entry(reader);
    return !ferror(reader->output);
}

static bool write_new(Reader *reader) {
    while (sd_journal_next(reader->journal) > 0)
        if (!write_current(reader))
            return false;
    return fflush(reader->output) == 0;
}

static int reader_open(Reader *reader) {
    int r = sd_journal_open_directory(&reader->journal, "/", 0);

    return r < 0 ? r : sd_journal_add_match(reader->journal, reader->match, 0);
}

/* libsystemd watches directories by their names in /proc, which is not available here. The
 * machine's own are directly below the root. */
static bool watch_directories(Reader *reader, GError **error) {
    g_autoptr(GDir) root = g_dir_open("/", 0, NULL);
    const char *name;

    reader->changes = berth_fd_steal(&watch);
    if (reader->changes < 0)
        return true;
    if (!root)
        return berth_error_set_errno(error, errno, "watch the journal");
    while ((name = g_dir_read_name(root))) {
        g_autofree char *path = g_strconcat("/", name, NULL);
        if (inotify_add_watch(reader->changes, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
            return berth_error_set_errno(error, errno, "watch the journal");
    }
    return true;
}

/* Whether there are new files, for example because journald has rotated its own. */
static bool read_changes(const Reader *reader) {
    _Alignas(struct inotify_event) char buffer[4096];
    bool has_new_files = false;
    ssize_t size;

    while ((size = read(reader->changes, buffer, sizeof buffer)) > 0)
        for (const char *at = buffer; at < buffer + size;) {
            const struct inotify_event *event = (const struct inotify_event *)(const void *)at;
            has_new_files |= (event->mask & (IN_CREATE | IN_MOVED_TO | IN_Q_OVERFLOW)) != 0;
            at += sizeof *event + event->len;
        }
    return has_new_files;
}

/* Opens the files that exist now and seeks to the last entry that was read; write_new() continues
 * with the next one. */
static int reader_reopen(Reader *reader) {
    char *cursor = NULL;
    int r;

    if (sd_journal_get_cursor(reader->journal, &cursor) >= 0) {
        free(reader->cursor);
        reader->cursor = cursor;
    }
    sd_journal_close(reader->journal);
    reader->journal = NULL;
    if ((r = reader_open(reader)) < 0)
        return r;
    if (!reader->cursor)
        return sd_journal_seek_realtime_usec(reader->journal, reader->since_usec);
    if ((r = sd_journal_seek_cursor(reader->journal, reader->cursor)) < 0)
        return r;
    return sd_journal_next(reader->journal);
}

/* Waits until the journal has changed; false if the client has closed its end. */
static bool wait_for_more(Reader *reader) {
    struct pollfd fds[] = {
        {.fd = reader->changes, .events = POLLIN},
        {.fd = fileno(reader->output)}, /* POLLERR: a pipe without readers */
        {.fd = reader->end, .events = POLLIN},
    };

    bool settles = g_get_monotonic_time() < reader->settled_usec;
    int msec = settles ? SETTLE_POLL_MSEC : reader->changes < 0 ? UNWATCHED_POLL_MSEC : -1;

    if (poll(fds, G_N_ELEMENTS(fds), msec) < 0 && errno != EINTR)
        return false;
    if (fds[1].revents & (POLLERR | POLLHUP))
        return false;
    read_end(reader);
    if (reader->changes >= 0 && read_changes(reader)) {
        reader->settled_usec = g_get_monotonic_time() + SETTLE_USEC;
        settles = true;
    }
    return (!settles && reader->changes >= 0) || reader_reopen(reader) >= 0;
}

/* Seeks to the last lines, or to a time. is_at_entry: the current entry is the first one to write.
 */
static int reader_seek(Reader *reader, bool *is_at_entry) {
    int r;

    *is_at_entry = false;
    if (reader->lines == UINT64_MAX)
        return sd_journal_seek_realtime_usec(reader->journal, reader->since_usec);
    if ((r = sd_journal_seek_tail(reader->journal)) < 0)
        return r;
    r = sd_journal_previous_skip(reader->journal, MAX(reader->lines, 1));
    /* There is no entry yet. After the tail, only the last of several new ones would be found. */
    if (r == 0)
        return sd_journal_seek_realtime_usec(reader->journal, reader->since_usec);
    *is_at_entry = r > 0 && reader->lines > 0;
    return r;
}

/* Begins to watch before reading, so that nothing is missed in between. */
static bool reader_run(Reader *reader, GError **error) {
    bool is_at_entry;
    int r;

    if (reader->follow && !watch_directories(reader, error))
        return false;
    if ((r = reader_open(reader)) < 0 || (r = reader_seek(reader, &is_at_entry)) < 0)
        return berth_error_set_errno(error, r, "read the journal");
    bool goes_on = (!is_at_entry || write_current(reader)) && write_new(reader);
    /* Once more after the end, for what has been written before it. */
    for (bool last = false; goes_on && reader->follow && !last;) {
        last = reader->ended;
        goes_on = wait_for_more(reader) && write_new(reader);
    }
    return true;
}

static int journal_read_request(sd_bus_message *call, Reader *reader, const char **unit) {
    int follow, messages, r;
    berth_autofd int output = berth_frame_read_fd(call);

    if (output < 0)
        return output;
    if ((reader->end = berth_frame_read_fd(call)) < 0)
        return reader->end;
    if ((r = sd_bus_message_read(call, "stttbb", unit, &reader->since_usec, &reader->until_usec,
                                 &reader->lines, &follow, &messages)) < 0 ||
        (r = sd_bus_message_read_strv(call, &reader->fields)) < 0)
        return r;
    reader->follow = follow;
    reader->messages = messages;
    reader->output = fdopen(output, "w");
    if (!reader->output)
        return -errno;
    berth_fd_steal(&output);
    return 1;
}

/* Arguments: output, end, unit, since, until, lines, follow, messages only, fields. It replies when
 * it has written everything. */
static int method_read(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    g_auto(Reader) reader = {.changes = -1, .end = -1};
    g_autoptr(GError) error = NULL;
    const char *unit;
    int r;

    (void)userdata;
    if ((r = journal_read_request(call, &reader, &unit)) < 0)
        return r;
    /* A path is that of a cgroup in its caller's unit. */
    reader.match = g_strconcat(unit[0] == '/' ? "_SYSTEMD_CGROUP=" : "_SYSTEMD_UNIT=", unit, NULL);
    if (!reader_run(&reader, &error))
        return berth_bus_error_set(ret_error, error);
    return sd_bus_reply_method_return(call, NULL);
}

static const sd_bus_vtable vtable[] = BERTH_FRAME_VTABLE(BERTH_JOURNAL_MEMBERS);

/* libsystemd loads the decompression libraries when it first needs one, which the sandbox does not
 * allow. */
static void load_compressors(void) {
    static const char *const names[] = {"libzstd.so.1", "liblz4.so.1", "liblzma.so.5"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        (void)dlopen(names[i], RTLD_NOW);
}

/* The kernel counts instances of inotify per user. This process is root, and 128 readers would
 * leave none to systemd and udev, so its instance belongs to the workers' user. Without one, the
 * journal is looked at once in a while. */
static void make_watch(void) {
    const struct passwd *user = getpwnam(BERTH_USER);

    if (!user || seteuid(user->pw_uid) < 0)
        return;
    watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (seteuid(0) < 0)
        abort();
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    make_watch();
    load_compressors();
    return berth_frame_main("journal", vtable);
}
