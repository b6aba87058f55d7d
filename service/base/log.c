/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Log entries in journald's native protocol. sd_journal_sendv() is not used, because it waits if
 * journald does not read; a stopped or slow journald would then stop the service as well. Here the
 * socket never blocks. Entries that cannot be sent are queued, in order, up to a limit, and retried
 * from the loop; those beyond the limit are counted, and the count becomes the next entry. A
 * process without a loop drops them. The state is the queue and the settings, one per process.
 */

#include "base/log.h"

#include "base/hold.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RETRY_USEC (100ull * 1000)

/* Limits on the queue, and on one value, so that an entry fits into a datagram. */
enum { MAX_KEPT_ENTRIES = 8192, MAX_KEPT_BYTES = 8 * 1024 * 1024, MAX_VALUE_BYTES = 48 * 1024 };

/* How many entries may be deferred to an idle moment while the journal is accepting entries. */
enum { MAX_DEFERRED = 64 };

struct BerthLogEntry {
    GString *bytes;
    char *message; /* printed on a machine without a journal */
};

static struct {
    sd_event_source *retry, *quiet; /* NULL: there is no loop */
    GQueue entries;                 /* of BerthLogEntry */
    size_t bytes;
    unsigned lost;
} kept;

static const char *const level_names[] = {
    [LOG_EMERG] = "emerg",     [LOG_ALERT] = "alert",   [LOG_CRIT] = "crit", [LOG_ERR] = "err",
    [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
};

typedef enum { TARGET_JOURNAL, TARGET_CONSOLE } LogTarget;

static struct {
    int level;
    LogTarget target;
    BerthHold *hold;
} settings = {LOG_INFO, TARGET_JOURNAL, NULL};

/* Settings other than the defaults would be lost if the process exited. */
static void hold_settings(void) {
    bool is_default = settings.level == LOG_INFO && settings.target == TARGET_JOURNAL;

    if (is_default)
        g_clear_pointer(&settings.hold, berth_hold_free);
    else if (!settings.hold)
        settings.hold = berth_hold_new(BERTH_HOLD_LOG_SETTINGS);
}

bool berth_log_set_level(const char *name) {
    for (size_t i = 0; i < G_N_ELEMENTS(level_names); i++)
        if (g_str_equal(level_names[i], name)) {
            settings.level = (int)i;
            hold_settings();
            return true;
        }
    return false;
}

/* "auto" is the name of the initial target in systemd's own services. */
bool berth_log_set_target(const char *name) {
    bool is_console = g_str_equal(name, "console");

    if (!is_console && !g_str_equal(name, "journal") && !g_str_equal(name, "auto"))
        return false;
    settings.target = is_console ? TARGET_CONSOLE : TARGET_JOURNAL;
    hold_settings();
    return true;
}

const char *berth_log_get_level_name(void) {
    return level_names[settings.level];
}

const char *berth_log_get_target_name(void) {
    return settings.target == TARGET_CONSOLE ? "console" : "journal";
}

const char *berth_log_get_identifier(void) {
    return program_invocation_short_name;
}

/* One unconnected socket for the whole process, which survives a restart of journald. */
static int journal_socket(void) {
    static int fd = -1;

    if (fd < 0)
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd;
}

static void free_log_entry(BerthLogEntry *entry) {
    g_string_free(entry->bytes, TRUE);
    g_free(entry->message);
    g_free(entry);
}

void berth_log_entry_add(BerthLogEntry *entry, const char *field, const char *value) {
    size_t size = strnlen(value, MAX_VALUE_BYTES);

    g_string_append(entry->bytes, field);
    /* In the native protocol, a value that contains a newline is preceded by its length in
     * little-endian order. */
    if (memchr(value, '\n', size)) {
        guint64 length = GUINT64_TO_LE((guint64)size);
        g_string_append_c(entry->bytes, '\n');
        g_string_append_len(entry->bytes, (const char *)&length, sizeof length);
    } else {
        g_string_append_c(entry->bytes, '=');
    }
    g_string_append_len(entry->bytes, value, (gssize)size);
    g_string_append_c(entry->bytes, '\n');
}

BerthLogEntry *berth_log_entry_new(int priority, const char *message_id, const char *message) {
    BerthLogEntry *entry = g_new0(BerthLogEntry, 1);
    char level[4];

    g_snprintf(level, sizeof level, "%d", priority);
    entry->bytes = g_string_sized_new(512);
    entry->message = g_strdup(message);
    berth_log_entry_add(entry, "MESSAGE", message);
    berth_log_entry_add(entry, "PRIORITY", level);
    berth_log_entry_add(entry, "SYSLOG_IDENTIFIER", program_invocation_short_name);
    if (message_id)
        berth_log_entry_add(entry, "MESSAGE_ID", message_id);
    return entry;
}

/* Returns false if the journal's socket is full and the entry has to wait. */
static bool try_to_send(const BerthLogEntry *entry) {
    static const struct sockaddr_un journal = {.sun_family = AF_UNIX,
                                               .sun_path = "/run/systemd/journal/socket"};
    ssize_t r = sendto(journal_socket(), entry->bytes->str, entry->bytes->len, MSG_NOSIGNAL,
                       (const struct sockaddr *)&journal, sizeof journal);

    if (r < 0 && (errno == EAGAIN || errno == ENOBUFS))
        return false;
    /* On a machine without a journal, standard error is still available. */
    if (r < 0)
        fprintf(stderr, "%s\n", entry->message);
    return true;
}

/* This entry is not queued if it cannot be sent: the count remains and is retried. */
static bool send_lost(void) {
    g_autofree char *message =
        g_strdup_printf("%u entries were lost, since the journal did not take them", kept.lost);
    BerthLogEntry *entry = berth_log_entry_new(LOG_WARNING, BERTH_MESSAGE_ENTRIES_LOST, message);
    bool sent = try_to_send(entry);

    free_log_entry(entry);
    if (sent)
        kept.lost = 0;
    return sent;
}

/* Sends entries in order; stops at the first one that cannot be sent. */
static void send_kept(void) {
    BerthLogEntry *entry;

    while ((entry = g_queue_peek_head(&kept.entries)) && try_to_send(entry)) {
        kept.bytes -= entry->bytes->len;
        free_log_entry(g_queue_pop_head(&kept.entries));
    }
    bool all = g_queue_is_empty(&kept.entries) && (kept.lost == 0 || send_lost());
    if (!all && kept.retry) {
        sd_event_source_set_time_relative(kept.retry, RETRY_USEC);
        sd_event_source_set_enabled(kept.retry, SD_EVENT_ONESHOT);
    }
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
    (void)source;
    (void)usec;
    (void)userdata;
    send_kept();
    return 0;
}

static int on_quiet(sd_event_source *source, void *userdata) {
    (void)source;
    (void)userdata;
    send_kept();
    return 0;
}

void berth_log_attach(sd_event *event) {
    g_queue_init(&kept.entries);
    if (sd_event_add_defer(event, &kept.quiet, on_quiet, NULL) < 0 ||
        sd_event_source_set_priority(kept.quiet, SD_EVENT_PRIORITY_IDLE) < 0 ||
        sd_event_source_set_enabled(kept.quiet, SD_EVENT_OFF) < 0 ||
        sd_event_add_time_relative(event, &kept.retry, CLOCK_MONOTONIC, RETRY_USEC, 0, on_retry,
                                   NULL) < 0 ||
        sd_event_source_set_enabled(kept.retry, SD_EVENT_OFF) < 0)
        berth_log_detach();
}

void berth_log_detach(void) {
    kept.quiet = sd_event_source_disable_unref(kept.quiet);
    kept.retry = sd_event_source_disable_unref(kept.retry);
    send_kept();
}

/* Takes ownership of entry. */
static void keep_fields(BerthLogEntry *entry) {
    if (!kept.retry || g_queue_get_length(&kept.entries) >= MAX_KEPT_ENTRIES ||
        kept.bytes + entry->bytes->len > MAX_KEPT_BYTES) {
        kept.lost++;
        free_log_entry(entry);
        return;
    }
    kept.bytes += entry->bytes->len;
    g_queue_push_tail(&kept.entries, entry);
}

/* An entry never overtakes queued ones. */
void berth_log_entry_send(BerthLogEntry *entry) {
    if (g_queue_is_empty(&kept.entries) && try_to_send(entry)) {
        free_log_entry(entry);
        return;
    }
    keep_fields(entry);
    send_kept();
}

void berth_log_entry_send_later(BerthLogEntry *entry) {
    if (!kept.quiet || g_queue_get_length(&kept.entries) >= MAX_DEFERRED) {
        berth_log_entry_send(entry);
        return;
    }
    keep_fields(entry);
    sd_event_source_set_enabled(kept.quiet, SD_EVENT_ONESHOT);
}

/* A service's standard error is a socket of journald, which must not block either. On a terminal it
 * is not a socket. */
static void write_to_console(int priority, const char *message) {
    g_autofree char *line = g_strdup_printf("<%d>%s\n", priority, message);

    if (send(STDERR_FILENO, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL) < 0 &&
        errno == ENOTSOCK)
        fprintf(stderr, "%s\n", message);
}

void berth_log(int priority, const char *message_id, const char *field, const char *value,
               const char *format, ...) {
    va_list arguments;

    if (priority > settings.level)
        return;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (settings.target == TARGET_CONSOLE) {
        write_to_console(priority, message);
        return;
    }
    BerthLogEntry *entry = berth_log_entry_new(priority, message_id, message);
    if (field && value)
        berth_log_entry_add(entry, field, value);
    berth_log_entry_send(entry);
}
