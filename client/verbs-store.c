/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Verbs about what is kept and why: prune, why, df, lease. */

#include "config.h"
#include "dist.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>

static int verb_prune(int argc, char **argv, GError **error) {
    gboolean dry_run = FALSE;
    const GOptionEntry options[] = {
        {"dry-run", 'n', 0, G_OPTION_ARG_NONE, &dry_run, N_("Only say what would be deleted"),
         NULL},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    g_auto(GStrv) digests = NULL;
    uint64_t bytes;
    int r;

    if (!dist_parse(NULL, _("Delete contents and snapshots that nothing needs."), options, false,
                    &argc, &argv, error) ||
        !dist_check_count(argc, 0, 0, error))
        return EXIT_FAILURE;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_IMAGES, "Prune", "a{sv}", 1, "DryRun", "b", (int)dry_run);
    if (!reply)
        return EXIT_FAILURE;
    if ((r = sd_bus_message_read_strv(reply, &digests)) < 0 ||
        (r = sd_bus_message_read(reply, "t", &bytes)) < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    for (char **digest = digests; digest && *digest; digest++)
        puts(*digest);
    if (!dist_settings.quiet) {
        g_autofree char *size = dist_format_size(bytes);
        fprintf(stderr, dry_run ? _("%s would be freed\n") : _("%s freed\n"), size);
    }
    return EXIT_SUCCESS;
}

static int print_keeper(sd_bus_message *reply, char **key, void *userdata) {
    const char *keeper;
    int r = sd_bus_message_read(reply, "s", &keeper);

    if (r <= 0)
        return r;
    puts(keeper);
    *key = g_strdup(keeper);
    (*(unsigned *)userdata)++;
    return 1;
}

static int verb_why(int argc, char **argv, GError **error) {
    unsigned count = 0;

    if (!dist_parse(_("DIGEST"), _("Say what keeps a blob or a snapshot."), NULL, false, &argc,
                    &argv, error) ||
        !dist_check_count(argc, 1, 1, error))
        return EXIT_FAILURE;
    const DistListing keepers = {DIST_CONTENTS, "Explain", .of = argv[1]};
    if (!dist_list(&keepers, print_keeper, &count, error))
        return EXIT_FAILURE;
    if (count == 0 && !dist_settings.quiet)
        fprintf(stderr, _("nothing keeps %s; \"dist prune\" deletes it if it is here\n"), argv[1]);
    return EXIT_SUCCESS;
}

static int read_usage(sd_bus_message *reply, char **key, void *userdata) {
    const char *kind, *name;
    uint64_t bytes, unique;
    int r = sd_bus_message_read(reply, "(sstt)", &kind, &name, &bytes, &unique);

    if (r <= 0)
        return r;
    dist_table_add(userdata, kind, name, (int64_t)bytes, (int64_t)(bytes - unique),
                   (int64_t)unique);
    *key = g_strconcat(kind, " ", name, NULL);
    return 1;
}

static int verb_df(int argc, char **argv, GError **error) {
    const DistColumn columns[] = {
        {"kind", _("KIND"), DIST_CELL_TEXT},     {"name", _("NAME"), DIST_CELL_TEXT},
        {"bytes", _("SIZE"), DIST_CELL_SIZE},    {"shared", _("SHARED"), DIST_CELL_SIZE},
        {"unique", _("UNIQUE"), DIST_CELL_SIZE}, {NULL, NULL, 0},
    };
    const DistListing usage = {DIST_CONTENTS, "Usage"};

    if (!dist_parse(NULL, _("Show what takes the space."), NULL, false, &argc, &argv, error) ||
        !dist_check_count(argc, 0, 0, error))
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&usage, read_usage, table, error))
        return EXIT_FAILURE;
    dist_table_print(table);
    return EXIT_SUCCESS;
}

static int lease_create(int argc, char **argv, GError **error) {
    gint64 seconds = 0;
    const GOptionEntry options[] = {
        {"expires", 0, 0, G_OPTION_ARG_INT64, &seconds, N_("End it after so long"), N_("SECONDS")},
        {NULL, 0, 0, 0, NULL, NULL, NULL},
    };
    const char *id;

    if (!dist_parse(_("[ID]"), _("Make a lease, which keeps what is put under it."), options, false,
                    &argc, &argv, error) ||
        !dist_check_count(argc, 0, 1, error))
        return EXIT_FAILURE;
    uint64_t expires =
        seconds > 0 ? (uint64_t)g_get_real_time() + (uint64_t)seconds * G_USEC_PER_SEC : 0;
    g_autoptr(sd_bus_message) reply =
        dist_call(error, DIST_LEASES, "Create", "sa{sv}", argc > 1 ? argv[1] : "", 1, "Expires",
                  "t", expires);
    if (!reply)
        return EXIT_FAILURE;
    int r = sd_bus_message_read(reply, "s", &id);
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    puts(id);
    return EXIT_SUCCESS;
}

static int lease_add(int argc, char **argv, GError **error) {
    if (!dist_parse(_("ID DIGEST…"), _("Put contents under a lease."), NULL, false, &argc, &argv,
                    error) ||
        !dist_check_count(argc, 2, -1, error))
        return EXIT_FAILURE;
    sd_bus_message *call = dist_new_call(error, DIST_LEASES, "Add");
    if (!call)
        return EXIT_FAILURE;
    int r = sd_bus_message_append(call, "s", argv[1]);
    if (r < 0 || (r = sd_bus_message_append_strv(call, argv + 2)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), EXIT_FAILURE;
    }
    g_autoptr(sd_bus_message) reply = dist_send(call, error);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int lease_rm(int argc, char **argv, GError **error) {
    return dist_call_each(DIST_LEASES, "Delete", _("ID…"), _("End leases."), argc, argv, error);
}

static int read_lease(sd_bus_message *reply, char **key, void *userdata) {
    g_auto(GStrv) digests = NULL;
    uint64_t created, expires;
    const char *id;
    uint32_t owner;
    int r;

    if ((r = sd_bus_message_enter_container(reply, 'r', "sutta{ss}as")) < 0 ||
        (r = sd_bus_message_read(reply, "sutt", &id, &owner, &created, &expires)) < 0 ||
        (r = sd_bus_message_skip(reply, "a{ss}")) < 0 ||
        (r = sd_bus_message_read_strv(reply, &digests)) < 0 ||
        (r = sd_bus_message_exit_container(reply)) < 0)
        return r;
    dist_table_add(userdata, id, (int64_t)owner, (int64_t)created, (int64_t)expires,
                   (int64_t)(digests ? g_strv_length(digests) : 0));
    *key = g_strdup(id);
    return 1;
}

static int lease_list(int argc, char **argv, GError **error) {
    const DistColumn columns[] = {
        {"id", _("ID"), DIST_CELL_TEXT},
        {"owner", _("OWNER"), DIST_CELL_NUMBER},
        {"created", _("CREATED"), DIST_CELL_TIME},
        {"expires", _("EXPIRES"), DIST_CELL_TIME},
        {"contents", _("CONTENTS"), DIST_CELL_NUMBER},
        {NULL, NULL, 0},
    };
    const DistListing leases = {DIST_LEASES, "List"};

    if (!dist_parse(NULL, _("List the leases."), NULL, false, &argc, &argv, error) ||
        !dist_check_count(argc, 0, 0, error))
        return EXIT_FAILURE;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&leases, read_lease, table, error))
        return EXIT_FAILURE;
    dist_table_print(table);
    return EXIT_SUCCESS;
}

static const DistVerb lease_verbs[] = {
    {"create", "[ID]", N_("make a lease"), lease_create},
    {"list", "", N_("list the leases"), lease_list},
    {"add", "ID DIGEST…", N_("put contents under a lease"), lease_add},
    {"rm", "ID…", N_("end leases"), lease_rm},
    {NULL, NULL, NULL, NULL},
};

static int verb_lease(int argc, char **argv, GError **error) {
    return dist_run_group("lease", lease_verbs, argc, argv, error);
}

const DistVerb dist_store_verbs[] = {
    {"prune", "[--dry-run]", N_("delete what nothing needs"), verb_prune},
    {"why", "DIGEST", N_("say what keeps a blob or a snapshot"), verb_why},
    {"df", "", N_("show what takes the space"), verb_df},
    {"lease", "create|list|add|rm", N_("leases, which keep what is not named; see \"dist lease\""),
     verb_lease},
    {NULL, NULL, NULL, NULL},
};
