/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The fields of audit records, and the limit on the number of records. A RateWindow counts the
 * records of one user. It is created with the user's first record and owned by the table "windows".
 * After WINDOW_USEC its timer removes it and logs one entry with the number of records that were
 * left out. Root's records are never left out.
 */

#include "bus/audit-record.h"

#include "base/digest.h"
#include "base/names.h"

#include <string.h>

#define WINDOW_USEC (10ull * G_USEC_PER_SEC)

enum { MAX_VALUE = 512 };

/* Limits for one window of one user. They stay below journald's limit for the whole service, 10000
 * messages in 30 s (RateLimitBurst= in journald.conf(5)); beyond that, journald would drop other
 * messages as well. */
static const unsigned limits[BERTH_AUDIT_KINDS] = {
    [BERTH_AUDIT_GOOD] = 1000, [BERTH_AUDIT_REFUSAL] = 100, [BERTH_AUDIT_FAILURE] = 100};

typedef struct {
    uint32_t uid;
    unsigned counts[BERTH_AUDIT_KINDS];
    unsigned suppressed;
    sd_event_source *timer;
} RateWindow;

static GHashTable *windows; /* uid → RateWindow */
static sd_event *loop;

static void summarize_window(const RateWindow *window) {
    g_autofree char *uid = g_strdup_printf("%u", window->uid);
    g_autofree char *count = g_strdup_printf("%u", window->suppressed);
    g_autofree char *message =
        g_strdup_printf("%s more records about user %s were left out", count, uid);

    if (window->suppressed == 0)
        return;
    BerthLogEntry *entry = berth_log_entry_new(LOG_NOTICE, BERTH_MESSAGE_AUDIT_SUPPRESSED, message);
    berth_log_entry_add(entry, "BERTH_AUDIT", "suppressed");
    if (window->uid != UINT32_MAX)
        berth_log_entry_add(entry, "CALLER_UID", uid);
    berth_log_entry_add(entry, "BERTH_SUPPRESSED", count);
    berth_log_entry_send(entry);
}

static void free_window(gpointer data) {
    RateWindow *window = data;

    summarize_window(window);
    sd_event_source_disable_unref(window->timer);
    g_free(window);
}

static int on_window_over(sd_event_source *source, uint64_t usec, void *userdata) {
    RateWindow *window = userdata;

    (void)source;
    (void)usec;
    g_hash_table_remove(windows, GUINT_TO_POINTER(window->uid));
    return 0;
}

void berth_audit_limit_open(sd_event *event) {
    loop = event;
    windows = g_hash_table_new_full(NULL, NULL, NULL, free_window);
}

void berth_audit_limit_close(void) {
    g_clear_pointer(&windows, g_hash_table_unref);
}

static RateWindow *find_window(uint32_t uid) {
    RateWindow *window = g_hash_table_lookup(windows, GUINT_TO_POINTER(uid));

    if (window)
        return window;
    window = g_new0(RateWindow, 1);
    window->uid = uid;
    if (sd_event_add_time_relative(loop, &window->timer, CLOCK_MONOTONIC, WINDOW_USEC, 0,
                                   on_window_over, window) < 0) {
        g_free(window);
        return NULL;
    }
    g_hash_table_insert(windows, GUINT_TO_POINTER(uid), window);
    return window;
}

/* If no window can be created, nothing is left out: too many records are better than none. */
bool berth_audit_limit_take(uint32_t uid, BerthAuditKind kind) {
    RateWindow *window = uid == 0 || !windows ? NULL : find_window(uid);

    if (!window || window->counts[kind]++ < limits[kind])
        return true;
    window->suppressed++;
    return false;
}

/* Values come from clients: a line break, U+2028 or U+2029 could make one record look like two.
 * Truncation may split a character, which then becomes U+FFFD. */
static char *escape_value(const char *value) {
    g_autofree char *valid = g_utf8_make_valid(value, (gssize)strnlen(value, MAX_VALUE));
    GString *escaped = g_string_new(NULL);

    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar character = g_utf8_get_char(at);
        if (berth_name_is_acted_on(character) || character == 0x2028 || character == 0x2029)
            g_string_append_printf(escaped, "\\x%02x", character);
        else
            g_string_append_unichar(escaped, character);
    }
    if (value[strnlen(value, MAX_VALUE)] != '\0')
        g_string_append(escaped, "…");
    return g_string_free(escaped, FALSE);
}

/* Returns the start of an image name after a "user:password@" that the caller may have written. The
 * last "@" counts, since a password may contain one, but not the "@" before a digest. */
static const char *skip_credential(const char *name) {
    const char *begin = name;

    for (const char *at = strchr(name, '@'); at; at = strchr(at + 1, '@'))
        if (strchr(at, '/') || !berth_digest_is_valid(at + 1))
            begin = at + 1;
    return begin;
}

char *berth_audit_clean(const char *key, const char *value) {
    static const char *const names[] = {"reference", "image", "object", NULL};
    const char *name = g_strv_contains(names, key) ? skip_credential(value) : value;
    g_autofree char *escaped = escape_value(name);

    return name > value ? g_strconcat("***@", escaped, NULL) : g_steal_pointer(&escaped);
}

void berth_audit_add(BerthLogEntry *entry, const char *field, const char *value) {
    g_autofree char *escaped = value && value[0] ? escape_value(value) : NULL;

    if (escaped)
        berth_log_entry_add(entry, field, escaped);
}

void berth_audit_add_detail(BerthLogEntry *entry, const char *key, const char *value) {
    g_autofree char *upper = g_ascii_strup(key, -1);
    g_autofree char *field = g_strconcat("BERTH_DETAIL_", g_strdelimit(upper, "-", '_'), NULL);
    g_autofree char *clean = berth_audit_clean(key, value);

    if (clean[0] != '\0')
        berth_log_entry_add(entry, field, clean);
}
