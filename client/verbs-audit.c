/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist audit: the service's records of authorizations and changes, with the user of each.
 * journalctl reads them, since it parses times in many forms. Lines of 79 columns are printed as
 * the entries arrive, unless options ask for a table, which needs all of them first. Only entries
 * of root's berthd count: any user may write BERTH_AUDIT= to the journal, but journald itself sets
 * _COMM and _UID.
 */

#include "client/verbs.h"

#include "base/document-members.h"
#include "base/document.h"
#include "base/log.h"
#include "client/format.h"
#include "client/journal.h"
#include "client/table.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *user, *since, *until;
    gboolean follow, refused;
} AuditOptions;

/* Collects the fields of an entry until it is complete. */
typedef struct {
    GHashTable *fields;
    DistTable *table; /* all entries; NULL: each is printed once it is complete */
} AuditReader;

enum { TIME, USER, MEMBER, OBJECT, ACTION, RESULT, COLUMNS };

/* 79 columns, with a blank between two. */
static const int widths[COLUMNS] = {14, 7, 17, 13, 14, 9};

static const char *get_field(GHashTable *fields, const char *name) {
    const char *value = g_hash_table_lookup(fields, name);

    return value ? value : "";
}

/* A user unknown on this machine is shown by number. */
static char *find_user_name(const char *uid) {
    const struct passwd *user = uid[0] ? getpwuid((uid_t)g_ascii_strtoull(uid, NULL, 10)) : NULL;

    return g_strdup(user ? user->pw_name : uid);
}

/* A name without the prefix that all names of its kind share; "-" if there is none. */
static const char *shorten(const char *name) {
    static const char *const prefixes[] = {BERTH_ERROR_PREFIX, "org.freedesktop.DBus.Error.",
                                           "org.berth1."};

    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
        if (g_str_has_prefix(name, prefixes[i]))
            return name + strlen(prefixes[i]);
    return name[0] ? name : "-";
}

/* Texts that are too long are cut; their last character is then an ellipsis. */
static void audit_print_row(const char *const *cells) {
    g_autoptr(GString) row = g_string_new(NULL);

    for (int i = 0; i < COLUMNS; i++) {
        glong length = g_utf8_strlen(cells[i], -1);
        g_autofree char *cut =
            length > widths[i] ? g_utf8_substring(cells[i], 0, widths[i] - 1) : NULL;
        if (cut)
            g_string_append_printf(row, "%s… ", cut);
        else
            g_string_append_printf(row, "%s%*s", cells[i], (int)(widths[i] - length) + 1, "");
    }
    puts(g_strchomp(row->str));
}

static void print_header(void) {
    audit_print_row((const char *const[]){_("TIME"), _("USER"), _("MEMBER"), _("OBJECT"),
                                          _("ACTION"), _("RESULT")});
    fflush(stdout);
}

/* In microseconds since the epoch. */
static guint64 get_time(GHashTable *fields) {
    return g_ascii_strtoull(get_field(fields, "__REALTIME_TIMESTAMP"), NULL, 10);
}

static void print_entry(GHashTable *fields) {
    g_autoptr(GDateTime) local =
        g_date_time_new_from_unix_local((gint64)(get_time(fields) / G_USEC_PER_SEC));
    g_autofree char *time = local ? g_date_time_format(local, "%m-%d %H:%M:%S") : g_strdup("-");
    g_autofree char *user = find_user_name(get_field(fields, "CALLER_UID"));
    const char *left_out = get_field(fields, "BERTH_SUPPRESSED");
    g_autofree char *object = left_out[0] ? g_strdup_printf(_("%s left out"), left_out)
                                          : g_strdup(shorten(get_field(fields, "BERTH_OBJECT")));

    audit_print_row((const char *const[]){
        time, shorten(user), shorten(get_field(fields, "BERTH_MEMBER")), object,
        shorten(get_field(fields, "BERTH_ACTION")), shorten(get_field(fields, "BERTH_RESULT"))});
    fflush(stdout);
}

static void audit_add_details(json_object *details, GHashTable *fields) {
    g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(fields), (GCompareFunc)strcmp);

    for (GList *name = names; name; name = name->next) {
        if (!g_str_has_prefix(name->data, "BERTH_DETAIL_"))
            continue;
        g_autofree char *key =
            g_ascii_strdown((const char *)name->data + strlen("BERTH_DETAIL_"), -1);
        berth_document_add_string(details, key, get_field(fields, name->data));
    }
}

static char *audit_format_details(GHashTable *fields) {
    g_autoptr(json_object) details = json_object_new_object();

    audit_add_details(details, fields);
    return dist_format_value(details, false);
}

/* A number as a JSON value; null if the entry has no such field. */
static char *audit_format_number(GHashTable *fields, const char *name) {
    const char *value = get_field(fields, name);

    return value[0] ? g_strdup_printf("%" G_GINT64_FORMAT, g_ascii_strtoll(value, NULL, 10))
                    : g_strdup("null");
}

/* With full names, as in JSON. */
static void audit_add_row(DistTable *table, GHashTable *fields) {
    g_autofree char *user = find_user_name(get_field(fields, "CALLER_UID"));
    g_autofree char *uid = audit_format_number(fields, "CALLER_UID");
    g_autofree char *pid = audit_format_number(fields, "CALLER_PID");
    g_autofree char *suppressed = audit_format_number(fields, "BERTH_SUPPRESSED");
    g_autofree char *details = audit_format_details(fields);

    dist_table_add(table, (int64_t)get_time(fields), user, get_field(fields, "BERTH_MEMBER"),
                   get_field(fields, "BERTH_OBJECT"), get_field(fields, "BERTH_ACTION"),
                   get_field(fields, "BERTH_RESULT"), get_field(fields, "BERTH_AUDIT"),
                   get_field(fields, "CALLER_UNIT"), get_field(fields, "CALLER_NAME"),
                   get_field(fields, "MESSAGE"), uid, pid, suppressed, details);
}

static void audit_print_json(GHashTable *fields) {
    static const struct {
        const char *key, *field;
    } texts[] = {{"kind", "BERTH_AUDIT"},    {"unit", "CALLER_UNIT"},    {"name", "CALLER_NAME"},
                 {"member", "BERTH_MEMBER"}, {"object", "BERTH_OBJECT"}, {"action", "BERTH_ACTION"},
                 {"result", "BERTH_RESULT"}, {"message", "MESSAGE"}},
      numbers[] = {
          {"uid", "CALLER_UID"}, {"pid", "CALLER_PID"}, {"suppressed", "BERTH_SUPPRESSED"}};

    g_autoptr(json_object) entry = json_object_new_object();

    berth_document_add_int(entry, "time", (int64_t)get_time(fields));
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        berth_document_add_string(entry, texts[i].key, get_field(fields, texts[i].field));
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (g_hash_table_contains(fields, numbers[i].field))
            berth_document_add_int(entry, numbers[i].key,
                                   g_ascii_strtoll(get_field(fields, numbers[i].field), NULL, 10));
    audit_add_details(berth_document_add_object(entry, "details"), fields);
    g_autofree char *text = dist_format_value(entry, dist_settings.json == DIST_JSON_PRETTY);
    puts(text);
    fflush(stdout);
}

/* Some values come from clients, so they are converted to valid UTF-8, which JSON and columns need.
 */
static void audit_take_field(const char *name, const char *value, size_t size, void *userdata) {
    AuditReader *reader = userdata;

    g_hash_table_replace(reader->fields, g_strdup(name),
                         g_utf8_make_valid(value, (gssize)strnlen(value, size)));
}

static void audit_end_entry(void *userdata) {
    AuditReader *reader = userdata;

    if (g_hash_table_size(reader->fields) == 0)
        return;
    if (reader->table) {
        audit_add_row(reader->table, reader->fields);
    } else if (dist_settings.json != DIST_JSON_OFF) {
        audit_print_json(reader->fields);
    } else {
        print_entry(reader->fields);
    }
    g_hash_table_remove_all(reader->fields);
}

/* The UID of a user, given by name or number. A name takes precedence, since it may consist of
 * digits. */
static char *find_uid_of_name(const char *name, GError **error) {
    const struct passwd *user = getpwnam(name);
    guint64 number;

    if (user)
        return g_strdup_printf("%u", user->pw_uid);
    if (g_ascii_string_to_unsigned(name, 10, 0, UINT32_MAX, &number, NULL))
        return g_strdup_printf("%" G_GUINT64_FORMAT, number);
    berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, _("there is no user \"%s\""), name);
    return NULL;
}

static void audit_add_option(GPtrArray *arguments, const char *option, const char *value) {
    if (value)
        g_ptr_array_add(arguments, g_strconcat(option, "=", value, NULL));
}

static GPtrArray *make_arguments(const AuditOptions *options, const char *uid) {
    static const char *const ids[] = {BERTH_MESSAGE_AUDIT_REFUSED, BERTH_MESSAGE_AUDIT_SUPPRESSED,
                                      BERTH_MESSAGE_AUDIT_GRANTED, BERTH_MESSAGE_AUDIT_CHANGE};
    GPtrArray *arguments = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(arguments, g_strdup("journalctl"));
    g_ptr_array_add(arguments, g_strdup("--quiet"));
    g_ptr_array_add(arguments, g_strdup("--no-pager"));
    g_ptr_array_add(arguments, g_strdup("--output=export"));
    audit_add_option(arguments, "--since", options->since);
    audit_add_option(arguments, "--until", options->until);
    audit_add_option(arguments, "--machine", dist_settings.machine);
    if (options->follow) {
        g_ptr_array_add(arguments, g_strdup("--follow"));
        g_ptr_array_add(arguments, g_strdup("--no-tail"));
    }
    /* journald sets these two fields itself (systemd.journal-fields(7)). A process may call itself
     * berthd, but cannot choose its UID. */
    audit_add_option(arguments, "_UID", "0");
    audit_add_option(arguments, "_COMM", "berthd");
    audit_add_option(arguments, "CALLER_UID", uid);
    /* Matches on the same field are alternatives (journalctl(1)). The first two ids are those of
     * refused calls and of omitted records. */
    for (size_t i = 0; i < (options->refused ? 2 : G_N_ELEMENTS(ids)); i++)
        audit_add_option(arguments, "MESSAGE_ID", ids[i]);
    g_ptr_array_add(arguments, NULL);
    return arguments;
}

static bool audit_read(const AuditOptions *options, const char *uid, DistTable *table,
                       GError **error) {
    g_autoptr(GPtrArray) arguments = make_arguments(options, uid);
    g_autoptr(GHashTable) fields = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    AuditReader reader = {fields, table};
    const DistJournalReader journal = {audit_take_field, audit_end_entry, &reader};

    return dist_journal_read((char **)arguments->pdata, &journal, error);
}

static bool audit_print_table(const AuditOptions *options, const char *uid, GError **error) {
    const DistColumn columns[] = {
        {"time", _("TIME"), DIST_CELL_TIME},
        {"user", _("USER"), DIST_CELL_TEXT},
        {"member", _("MEMBER"), DIST_CELL_TEXT},
        {"object", _("OBJECT"), DIST_CELL_TEXT},
        {"action", _("ACTION"), DIST_CELL_TEXT},
        {"result", _("RESULT"), DIST_CELL_TEXT},
        {"kind", NULL, DIST_CELL_TEXT},
        {"unit", NULL, DIST_CELL_TEXT},
        {"name", NULL, DIST_CELL_TEXT},
        {"message", NULL, DIST_CELL_TEXT},
        {"uid", NULL, DIST_CELL_JSON},
        {"pid", NULL, DIST_CELL_JSON},
        {"suppressed", NULL, DIST_CELL_JSON},
        {"details", NULL, DIST_CELL_JSON},
        {NULL, NULL, DIST_CELL_TEXT},
    };
    g_autoptr(DistTable) table = dist_table_new(columns);

    return audit_read(options, uid, table, error) && dist_table_print(table, error);
}

/* With --follow there is no end: records are printed as they arrive, or with --json as one object
 * each. */
static bool read_records(const AuditOptions *options, const char *uid, GError **error) {
    if (!options->follow && (dist_table_is_asked() || dist_settings.quiet))
        return audit_print_table(options, uid, error);
    if (options->follow && dist_settings.json == DIST_JSON_OFF && dist_table_is_asked())
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               _("--follow prints lines or --json, and takes no other format"));
    if (dist_settings.json == DIST_JSON_OFF)
        print_header();
    return audit_read(options, uid, NULL, error);
}

static AuditOptions audit;

static const DistOption audit_options[] = {
    {"user", 0, DIST_OPTION_TEXT, &audit.user, N_("Show only records of this user"), N_("USER")},
    {"since", 0, DIST_OPTION_TEXT, &audit.since, N_("Show records since this time"), N_("TIME")},
    {"until", 0, DIST_OPTION_TEXT, &audit.until, N_("Show records until this time"), N_("TIME")},
    {"follow", 'f', DIST_OPTION_FLAG, &audit.follow, N_("Follow new records"), NULL},
    {"refused", 0, DIST_OPTION_FLAG, &audit.refused, N_("Show only refused calls"), NULL},
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

static int verb_audit(char **argv, GError **error) {
    g_autofree char *uid = NULL;
    bool good = true;

    (void)argv;
    if (audit.user)
        good = (uid = find_uid_of_name(audit.user, error)) != NULL;
    good = good && read_records(&audit, uid, error);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

const DistVerb dist_audit_verbs[] = {
    {.name = "audit",
     .arguments = "",
     .summary = N_("Show who was allowed what, and who changed what"),
     .options = audit_options,
     .run = verb_audit,
     .flags = DIST_VERB_THERE,
     .example = "dist audit --user=alice --since=yesterday"},
    {.name = NULL},
};
