/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The contents of an audit record, and how many records a user may cause. */

#include "bus/audit-record.h"
#include "source.h"

#include <string.h>

static void check_clean(const char *key, const char *value, const char *expected) {
    g_autofree char *clean = berth_audit_clean(key, value);

    g_assert_cmpstr(clean, ==, expected);
}

static void test_control_characters_are_escaped(void) {
    check_clean("container", "a\nBERTH_RESULT=granted", "a\\x0aBERTH_RESULT=granted");
    check_clean("container", "\033[2J\177", "\\x1b[2J\\x7f");
    check_clean("container", "\302\205\342\200\250", "\\x85\\x2028");
    /* The direction of the text behind them, such as that of the result, would change. */
    check_clean("image", "a\342\200\256b\342\201\246", "a\\x202eb\\x2066");
    check_clean("container", "\377", "\357\277\275");
    check_clean("container", "gr\303\274n", "gr\303\274n");
}

static void test_long_values_are_cut(void) {
    g_autofree char *value = g_strnfill(100000, 'x');
    g_autofree char *clean = berth_audit_clean("image", value);

    g_assert_cmpuint(strlen(clean), ==, 512 + strlen("…"));
    g_assert_true(g_str_has_suffix(clean, "x…"));
}

static void test_credentials_are_removed_from_names(void) {
    static const char digest[] =
        "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    g_autofree char *with_digest = g_strconcat("host/name:tag", digest, NULL);
    g_autofree char *both = g_strconcat("me:secret@host/name", digest, NULL);
    g_autofree char *cut = g_strconcat("***@host/name", digest, NULL);

    check_clean("reference", "host:5000/name:tag", "host:5000/name:tag");
    check_clean("reference", with_digest, with_digest);
    check_clean("reference", "me:secret@host/name", "***@host/name");
    check_clean("reference", "https://me:secret@host/name", "***@host/name");
    check_clean("image", "me:sec@ret@host:5000/name", "***@host:5000/name");
    check_clean("image", "me:secret@host", "***@host");
    check_clean("reference", both, cut);
    check_clean("path", "/srv/me@host", "/srv/me@host");
}

static void test_records_are_limited_per_user(void) {
    sd_event *event = NULL;
    unsigned taken = 0;

    g_assert_cmpint(sd_event_new(&event), >=, 0);
    berth_audit_limit_open(event);
    for (int i = 0; i < 500; i++)
        taken += berth_audit_limit_take(1000, BERTH_AUDIT_REFUSAL);
    g_assert_cmpuint(taken, ==, 100);
    /* Affects neither other actions of the user, nor other users, nor root. */
    g_assert_true(berth_audit_limit_take(1000, BERTH_AUDIT_GOOD));
    g_assert_true(berth_audit_limit_take(1000, BERTH_AUDIT_FAILURE));
    g_assert_true(berth_audit_limit_take(1001, BERTH_AUDIT_REFUSAL));
    for (int i = 0; i < 5000; i++)
        g_assert_true(berth_audit_limit_take(0, BERTH_AUDIT_REFUSAL));
    berth_audit_limit_close();
    sd_event_unref(event);
}

static void test_every_message_id_is_in_the_catalog(void) {
    g_autofree char *header = read_source("service/base/log.h");
    g_autofree char *catalog = read_source("systemd/berth.catalog");
    g_auto(GStrv) parts = g_strsplit(header, "#define BERTH_MESSAGE_", -1);

    g_assert_cmpuint(g_strv_length(parts), >, 10);
    for (char **part = parts + 1; *part; part++) {
        const char *id = strchr(*part, '"') + 1;
        g_autofree char *line = g_strdup_printf("\n-- %.32s\nSubject: ", id);
        if (!strstr(catalog, line))
            g_error("%.32s is not in systemd/berth.catalog", id);
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/audit/control-characters-are-escaped", test_control_characters_are_escaped);
    g_test_add_func("/audit/long-values-are-cut", test_long_values_are_cut);
    g_test_add_func("/audit/credentials-are-removed-from-names",
                    test_credentials_are_removed_from_names);
    g_test_add_func("/audit/records-are-limited-per-user", test_records_are_limited_per_user);
    g_test_add_func("/audit/every-message-id-is-in-the-catalog",
                    test_every_message_id_is_in_the_catalog);
    return g_test_run();
}
