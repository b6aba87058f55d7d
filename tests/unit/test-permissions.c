/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every method in the introspection data is in the permissions table, and every row of the table
 * names a method, and an action of the policy.
 */

#include "bus/permissions.h"
#include "source.h"

#include <gio/gio.h>
#include <string.h>

/* Returns all methods, with names such as "Images.Pull". */
static GHashTable *read_methods(void) {
    g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", "..", "introspection", NULL);
    GHashTable *methods = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) directory = g_dir_open(path, 0, &error);
    const char *file;

    g_assert_no_error(error);
    while ((file = g_dir_read_name(directory))) {
        if (!g_str_has_suffix(file, ".xml"))
            continue;
        g_autofree char *name = g_build_filename("introspection", file, NULL);
        g_autofree char *text = read_source(name);
        g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(text, &error);
        g_assert_no_error(error);
        for (guint i = 0; node->interfaces[i]; i++)
            for (guint j = 0; node->interfaces[i]->methods && node->interfaces[i]->methods[j]; j++)
                g_hash_table_add(methods, g_strdup_printf("%s.%s",
                                                          node->interfaces[i]->name +
                                                              strlen(BERTH_ACTION_PREFIX),
                                                          node->interfaces[i]->methods[j]->name));
    }
    return methods;
}

static bool has_row(const char *method) {
    g_auto(GStrv) parts = g_strsplit(method, ".", 2);
    size_t count;
    const BerthPermission *rows = berth_permissions_list(&count);

    for (size_t i = 0; i < count; i++)
        if (g_str_equal(rows[i].member, parts[1]) &&
            berth_permission_has_interface(&rows[i], parts[0]))
            return true;
    return false;
}

static void test_every_method_is_in_the_table(void) {
    g_autoptr(GHashTable) methods = read_methods();
    GHashTableIter iterator;
    gpointer method;

    g_assert_cmpuint(g_hash_table_size(methods), >, 80);
    g_hash_table_iter_init(&iterator, methods);
    while (g_hash_table_iter_next(&iterator, &method, NULL))
        if (!has_row(method))
            g_error("%s is not in service/bus/permissions.c", (const char *)method);
}

/* Methods of the standard interfaces that sd-bus implements. */
static bool is_standard(const char *member) {
    static const char *const members[] = {"Properties", "GetManagedObjects", "Introspect", NULL};

    return g_strv_contains(members, member);
}

static void test_every_row_is_a_method(void) {
    g_autoptr(GHashTable) methods = read_methods();
    size_t count;
    const BerthPermission *rows = berth_permissions_list(&count);

    for (size_t i = 0; i < count; i++) {
        g_auto(GStrv) interfaces = g_strsplit(rows[i].interfaces, " ", -1);
        for (char **interface = interfaces; *interface; interface++) {
            g_autofree char *method = g_strconcat(*interface, ".", rows[i].member, NULL);
            if (!is_standard(rows[i].member) && !g_hash_table_contains(methods, method))
                g_error("%s is in service/bus/permissions.c, but is no method", method);
        }
    }
}

static void test_every_action_is_in_the_policy(void) {
    g_autofree char *policy = read_source("polkit/org.berth1.policy.in");
    size_t count;
    const BerthPermission *rows = berth_permissions_list(&count);

    for (size_t i = 0; i < count; i++) {
        if (!rows[i].action) {
            g_assert_nonnull(rows[i].safeguard);
            continue;
        }
        g_autofree char *action =
            g_strdup_printf("<action id=\"" BERTH_ACTION_PREFIX "%s\">", rows[i].action);
        if (!strstr(policy, action))
            g_error("the policy has no %s", action);
        g_assert_nonnull(rows[i].verb);
        g_assert_nonnull(rows[i].details);
    }
}

/* "Images" stands for the object /org/berth1/images, "Image" for those below it. A call of a
 * standard interface such as Properties does not name the interface, so its rows are found by the
 * path. */
static void test_every_interface_is_found_by_its_path(void) {
    g_autoptr(GHashTable) methods = read_methods();
    GHashTableIter iterator;
    gpointer method;

    g_hash_table_iter_init(&iterator, methods);
    while (g_hash_table_iter_next(&iterator, &method, NULL)) {
        g_autofree char *interface = g_strndup(method, strcspn(method, "."));
        g_autofree char *small = g_ascii_strdown(interface, -1);
        bool is_collection = g_str_has_suffix(small, "s");
        g_autofree char *path =
            g_strconcat("/org/berth1/", small, is_collection ? NULL : "s/x", NULL);
        g_assert_cmpstr(berth_permission_find_interface(path), ==, interface);
    }
    g_assert_cmpstr(berth_permission_find_interface("/org/berth1"), ==, "Manager");
    g_assert_null(berth_permission_find_interface("/org/berth1/nothing"));
}

static void test_rows_are_found_by_their_check(void) {
    size_t count;
    const BerthPermission *rows = berth_permissions_list(&count);

    for (size_t i = 0; i < count; i++) {
        g_auto(GStrv) interfaces = g_strsplit(rows[i].interfaces, " ", -1);
        for (char **interface = interfaces; *interface; interface++)
            g_assert_true(berth_permission_find(*interface, rows[i].member, rows[i].check) ==
                          &rows[i]);
    }
    g_assert_null(berth_permission_find("Images", "Pull", "push"));
    g_assert_null(berth_permission_find("Image", "Pull", "pull"));
}

static void test_details_match_whole_words(void) {
    const BerthPermission *pull = berth_permission_find("Images", "Pull", "pull");
    const BerthPermission *list = berth_permission_find("Images", "List", "inspect");

    g_assert_true(berth_permission_has_detail(pull, "reference"));
    g_assert_true(berth_permission_has_detail(pull, "insecure"));
    g_assert_false(berth_permission_has_detail(pull, "ref"));
    g_assert_false(berth_permission_has_detail(pull, "secure"));
    g_assert_false(berth_permission_has_detail(pull, ""));
    g_assert_cmpuint(berth_permission_count_details(pull), ==, 4);
    g_assert_cmpuint(berth_permission_count_details(list), ==, 0);
}

/* Returns the section of a page that lists the details. */
static char *read_details(const char *page, const char *title, const char *next) {
    g_autofree char *text = read_source(page);
    g_auto(GStrv) parts = g_strsplit(text, title, 2);
    g_assert_cmpuint(g_strv_length(parts), ==, 2);
    g_auto(GStrv) rest = g_strsplit(parts[1], next, 2);

    g_assert_cmpuint(g_strv_length(rest), ==, 2);
    return g_strdup(rest[0]);
}

static void test_every_detail_is_in_the_manual(void) {
    g_autofree char *bus =
        read_details("docs/man/org.berth1.5.xml", "<title>Actions</title>", "</refsect1>");
    g_autofree char *polkit = read_details("docs/man/berth-polkit.7", ".SH DETAILS", ".SH ONE");
    size_t count;
    const BerthPermission *rows = berth_permissions_list(&count);

    for (size_t i = 0; i < count; i++) {
        g_auto(GStrv) keys = g_strsplit(rows[i].details ? rows[i].details : "", " ", -1);
        for (char **key = keys; *key; key++) {
            g_autofree char *pattern = g_strdup_printf("\\b%s\\b", *key);
            if (!g_regex_match_simple(pattern, bus, 0, 0) ||
                !g_regex_match_simple(pattern, polkit, 0, 0))
                g_error("the manual does not name the detail %s", *key);
        }
    }
}

static void test_rules_see_normalized_hosts(void) {
    static const struct {
        const char *interface, *member, *check, *key, *value, *formatted;
    } cases[] = {
        {"Images", "Pull", "pull", "reference", "bad.example/x:1", "bad.example/x:1"},
        {"Images", "Pull", "pull", "reference", "BAD.example/x:1", "bad.example/x:1"},
        {"Images", "Pull", "pull", "reference", "bad.example:443/x:1", "bad.example/x:1"},
        {"Images", "Fetch", "pull", "reference", "bad.example:0443/x:1", "bad.example/x:1"},
        {"Images", "Resolve", "pull", "reference", "Bad.Example.:443/x:1", "bad.example/x:1"},
        {"Images", "Pull", "pull", "reference", "[2001:DB8::1]:443/X:1", "[2001:db8::1]/X:1"},
        {"Images", "Pull", "pull", "reference", "bad.example:5000/x:1", "bad.example:5000/x:1"},
        {"Images", "Push", "push", "reference", "BAD.example:443/x:1", "bad.example/x:1"},
        {"Images", "Push", "push", "image", "BAD.example/x:1", "bad.example/x:1"},
        {"Contents", "FetchObject", "pull", "reference", "BAD.example/x:1", "bad.example/x:1"},
        {"Contents", "PushObject", "read", "reference", "BAD.example/x:1", "bad.example/x:1"},
        {"Images", "Rename", "old", "reference", "BAD.example/x:1", "bad.example/x:1"},
        {"Transfer", "Cancel", "others", "reference", "BAD.example/x:1", "bad.example/x:1"},
        {"Images", "Put", "manage", "image", "BAD.example:443/x:1", "bad.example/x:1"},
        {"Images", "Import", "name", "image", "BAD.example:443/x:1", "bad.example/x:1"},
        {"Image", "Verify", "pull", "image", "BAD.example/x:1", "bad.example/x:1"},
        {"Containers", "Create", "create", "image", "BAD.example/x:1", "bad.example/x:1"},
        /* A registry, or a repository without a tag. */
        {"Images", "Authenticate", "pull", "reference", "BAD.example:443", "bad.example"},
        {"Images", "Search", "pull", "reference", "BAD.example", "bad.example"},
        {"Images", "Search", "pull", "reference", "BAD.example:443/x", "bad.example/x"},
        /* Names without a host are unchanged: a name that a client has chosen, a tag, an ingest. */
        {"Images", "Put", "manage", "image", "Redis:443", "Redis:443"},
        {"Images", "Put", "manage", "image", "My App/x", "My App/x"},
        {"Images", "Rename", "old", "reference", "Redis:443", "Redis:443"},
        {"Contents", "Ingest", "write", "reference", "Layer:443/A", "Layer:443/A"},
        {"Contents", "Commit", "others", "reference", "Layer:443/A", "Layer:443/A"},
        {"Contents", "Status", "see", "reference", "Layer:443/A", "Layer:443/A"},
        {"Contents", "Abort", "write", "reference", "Layer:443/A", "Layer:443/A"},
        {"Contents", "Apply", "apply", "path", "/Srv:443/A", "/Srv:443/A"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const BerthPermission *row =
            berth_permission_find(cases[i].interface, cases[i].member, cases[i].check);
        g_assert_nonnull(row);
        g_assert_true(berth_permission_has_detail(row, cases[i].key));
        g_autofree char *formatted =
            berth_permission_format_detail(row, cases[i].key, cases[i].value);
        g_assert_cmpstr(formatted, ==, cases[i].formatted);
    }
}

/* Only names of ingests, which clients choose freely, are not normalized as references. */
static void test_only_ingests_have_opaque_references(void) {
    size_t count;
    const BerthPermission *rows = berth_permissions_list(&count);

    for (size_t i = 0; i < count; i++) {
        bool is_ingest = g_str_equal(rows[i].interfaces, "Contents") &&
                         !strstr(rows[i].member, "Object") &&
                         berth_permission_has_detail(&rows[i], "reference");
        g_assert_true(is_ingest == !!(rows[i].flags & BERTH_PERMISSION_OPAQUE));
    }
}

/* Actions that change nothing. */
static bool is_for_reading(const BerthPermission *row) {
    static const char *const actions[] = {"images.inspect", "contents.read", "containers.inspect",
                                          NULL};

    return !row->action || g_strv_contains(actions, row->action);
}

/* Members that change nothing on this machine, although their action is not one for reading. */
static bool asks_only(const BerthPermission *row) {
    static const char *const members[] = {"Images.Resolve",
                                          "Images.Search",
                                          "Images.Authenticate",
                                          "Images Image.Verify",
                                          "Contents.FetchObject",
                                          "Containers Container.CopyOut",
                                          "Containers Container.Changes",
                                          "Containers Container.Logs",
                                          "Containers Container.OpenProcess",
                                          NULL};
    g_autofree char *member = g_strconcat(row->interfaces, ".", row->member, NULL);

    return g_strv_contains(members, member);
}

static void test_rows_of_changing_members_have_the_flag(void) {
    size_t count;
    const BerthPermission *rows = berth_permissions_list(&count);

    for (size_t i = 0; i < count; i++) {
        bool changes = (rows[i].flags & BERTH_PERMISSION_CHANGES) != 0;
        if (changes != (!is_for_reading(&rows[i]) && !asks_only(&rows[i])))
            g_error("the row %s of %s in service/bus/permissions.c %s", rows[i].check,
                    rows[i].member, changes ? "is not for changing" : "lacks CHANGES");
    }
    g_assert_true(berth_permission_changes("Images", "Pull"));
    g_assert_true(berth_permission_changes("Container", "Start"));
    g_assert_true(berth_permission_changes("Contents", "Verify"));
    g_assert_false(berth_permission_changes("Images", "Verify"));
    g_assert_false(berth_permission_changes("Containers", "Wait"));
    g_assert_false(berth_permission_changes("Containers", "Pull"));
}

/* Authorizations are kept only if one may stand for all calls, since kept authorizations ignore
 * details. */
static void test_actions_whose_authorization_is_kept(void) {
    static const char *const kept[] = {"images.pull", "contents.write", "containers.inspect", NULL};
    g_autofree char *policy = read_source("polkit/org.berth1.policy.in");
    g_auto(GStrv) actions = g_strsplit(policy, "<action id=\"" BERTH_ACTION_PREFIX, -1);

    for (char **action = actions + 1; *action; action++) {
        g_autofree char *name = g_strndup(*action, strcspn(*action, "\""));
        bool keeps = strstr(*action, "auth_admin_keep") != NULL;
        if (keeps != g_strv_contains(kept, name))
            g_error("%s %s", name, keeps ? "is kept" : "is not kept");
    }
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/permissions/every-method-is-in-the-table", test_every_method_is_in_the_table);
    g_test_add_func("/permissions/every-row-is-a-method", test_every_row_is_a_method);
    g_test_add_func("/permissions/every-interface-is-found-by-its-path",
                    test_every_interface_is_found_by_its_path);
    g_test_add_func("/permissions/every-action-is-in-the-policy",
                    test_every_action_is_in_the_policy);
    g_test_add_func("/permissions/rows-are-found-by-their-check",
                    test_rows_are_found_by_their_check);
    g_test_add_func("/permissions/details-match-whole-words", test_details_match_whole_words);
    g_test_add_func("/permissions/every-detail-is-in-the-manual",
                    test_every_detail_is_in_the_manual);
    g_test_add_func("/permissions/rules-see-normalized-hosts", test_rules_see_normalized_hosts);
    g_test_add_func("/permissions/only-ingests-have-opaque-references",
                    test_only_ingests_have_opaque_references);
    g_test_add_func("/permissions/rows-of-changing-members-have-the-flag",
                    test_rows_of_changing_members_have_the_flag);
    g_test_add_func("/permissions/actions-whose-authorization-is-kept",
                    test_actions_whose_authorization_is_kept);
    return g_test_run();
}
