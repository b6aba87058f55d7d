/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Verbs about the store: why lists what keeps a content, df shows sizes, and lease keeps contents
 * without an image; prune and system are in verbs-prune.c. Also the verb version.
 */

#include "client/verbs.h"

#include "base/document-members.h"
#include "base/document.h"
#include "client/bus.h"
#include "client/dictionary.h"
#include "client/docker-info-view.h"
#include "client/each.h"
#include "client/format.h"
#include "client/listing.h"
#include "client/service-errors.h"
#include "client/table.h"
#include "client/verbs-prune.h"
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

static int print_keeper(sd_bus_message *reply, char **key, void *userdata) {
    const char *keeper;
    const DistField none[] = {{NULL, NULL, NULL}};
    int r = dist_dictionary_read_item(reply, &keeper, none);

    if (r <= 0)
        return r;
    puts(keeper);
    *key = g_strdup(keeper);
    (*(unsigned *)userdata)++;
    return 1;
}

/* An empty list is a valid result: the message goes to standard error, and the status is success.
 */
static int verb_why(char **argv, GError **error) {
    unsigned count = 0;

    const DistListing keepers = {DIST_CONTENTS, "Explain", .of = argv[1]};
    if (!dist_list(&keepers, print_keeper, &count, error))
        return EXIT_FAILURE;
    if (count == 0 && !dist_settings.quiet)
        fprintf(stderr, _("nothing keeps %s; \"dist prune\" deletes it if it is stored\n"),
                argv[1]);
    return EXIT_SUCCESS;
}

/* The kinds of Usage, as the service names them; only for the extraction of texts for translation.
 */
static const char *const usage_kinds[] G_GNUC_UNUSED = {
    N_("image"), N_("snapshots"), N_("ingest"), N_("garbage"), N_("container"), N_("volume"),
};

/* Programs get the kinds under the service's names. */
static bool df_for_people(void) {
    return dist_table_is_unasked() && !dist_settings.quiet;
}

static int read_usage(sd_bus_message *reply, char **key, void *userdata) {
    const char *item, *kind = "", *name = "";
    uint64_t bytes = 0, unique = 0;
    const DistField fields[] = {
        {"Kind", "s", &kind},     {"Name", "s", &name}, {"Size", "t", &bytes},
        {"Unique", "t", &unique}, {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read_item(reply, &item, fields);

    if (r <= 0)
        return r;
    if (df_for_people())
        kind = _(kind);
    /* The shared part is what something else uses as well. */
    dist_table_add(userdata, kind, name, (int64_t)bytes, (int64_t)(bytes - unique),
                   (int64_t)unique);
    *key = g_strdup(item);
    return 1;
}

static struct { gboolean verbose; } df_given;

static const DistOption df_options[] = {
    {"verbose", 'v', DIST_OPTION_FLAG, &df_given.verbose,
     N_("Also measure and show containers and volumes"), NULL},
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

static int append_measure(sd_bus_message *call, const void *userdata) {
    (void)userdata;
    return df_given.verbose ? sd_bus_message_append(call, "{sv}", "Measure", "b", 1) : 0;
}

static int verb_df(char **argv, GError **error) {
    const DistColumn columns[] = {
        {"kind", _("KIND"), DIST_CELL_TEXT},     {"name", _("NAME"), DIST_CELL_TEXT},
        {"size", _("SIZE"), DIST_CELL_SIZE},     {"shared", _("SHARED"), DIST_CELL_SIZE},
        {"unique", _("UNIQUE"), DIST_CELL_SIZE}, {NULL, NULL, 0},
    };
    const DistListing usage = {DIST_CONTENTS, "Usage", .filter = append_measure};

    (void)argv;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&usage, read_usage, table, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static struct { gint64 seconds; } lease_create_given;

static const DistOption lease_create_options[] = {
    {"expires", 0, DIST_OPTION_NUMBER, &lease_create_given.seconds,
     N_("Let it expire after "
        "this time"),
     N_("SECONDS")},
    DIST_OPTION_END,
};

/* The service takes an absolute time, dist a duration; 0 means no expiry. */
static int lease_create(char **argv, GError **error) {
    int argc = (int)g_strv_length(argv);
    const char *id;

    uint64_t expires =
        lease_create_given.seconds > 0
            ? (uint64_t)g_get_real_time() + (uint64_t)lease_create_given.seconds * G_USEC_PER_SEC
            : 0;
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

static int lease_add(char **argv, GError **error) {
    sd_bus_message *call = dist_new_call(error, DIST_LEASES, "Add");
    if (!call)
        return EXIT_FAILURE;
    int r = sd_bus_message_append(call, "s", argv[1]);
    if (r < 0 || (r = sd_bus_message_append_strv(call, argv + 2)) < 0 ||
        (r = sd_bus_message_append(call, "a{sv}", 0)) < 0) {
        sd_bus_message_unref(call);
        return dist_bad_reply(r, error), EXIT_FAILURE;
    }
    g_autoptr(sd_bus_message) reply = dist_send(call, error);
    return reply ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int lease_rm(char **argv, GError **error) {
    (void)error;
    return dist_call_each(DIST_LEASES, "Delete", argv + 1);
}

/* The table has the number of contents; "dist why" and Leases.List name them. */
static int read_lease(sd_bus_message *reply, char **key, void *userdata) {
    g_auto(GStrv) digests = NULL;
    uint64_t created = 0, expires = 0;
    const char *id;
    uint32_t owner = 0;
    const DistField fields[] = {
        {"Owner", "u", &owner},      {"Created", "t", &created}, {"Expires", "t", &expires},
        {"Digests", "as", &digests}, {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read_item(reply, &id, fields);

    if (r <= 0)
        return r;
    dist_table_add(userdata, id, (int64_t)owner, (int64_t)created, (int64_t)expires,
                   (int64_t)(digests ? g_strv_length(digests) : 0));
    *key = g_strdup(id);
    return 1;
}

static int lease_list(char **argv, GError **error) {
    const DistColumn columns[] = {
        {"id", _("ID"), DIST_CELL_TEXT},
        {"owner", _("OWNER"), DIST_CELL_NUMBER},
        {"created", _("CREATED"), DIST_CELL_TIME},
        {"expires", _("EXPIRES"), DIST_CELL_TIME},
        {"contents", _("CONTENTS"), DIST_CELL_NUMBER},
        {NULL, NULL, 0},
    };
    const DistListing leases = {DIST_LEASES, "List"};

    (void)argv;
    g_autoptr(DistTable) table = dist_table_new(columns);
    if (!dist_list(&leases, read_lease, table, error))
        return EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Fills a template, for which docker's names of the two are known, too. */
static bool version_fill_format(const char *service, GError **error) {
    g_autoptr(json_object) versions = json_object_new_object();

    berth_document_add_string(versions, "client", BERTH_VERSION);
    berth_document_add_string(versions, "service", service);
    dist_docker_version_view_add(
        versions, &(DistServiceFacts){.version = service, .is_here = dist_bus_is_here()});
    return dist_table_fill_format(versions, error);
}

/* Prints the versions of dist and of the service; --version prints only dist's, without the
 * service. */
static int verb_version(char **argv, GError **error) {
    g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;
    g_autofree char *version = NULL;
    sd_bus *bus = dist_bus(error);

    (void)argv;
    if (!bus)
        return EXIT_FAILURE;
    int r = sd_bus_get_property_string(bus, DIST_DESTINATION, "/org/berth1", "org.berth1.Manager",
                                       "Version", &bus_error, &version);
    if (r < 0)
        return dist_set_bus_error(error, &bus_error, -r), EXIT_FAILURE;
    if (dist_table_is_unasked()) {
        printf(_("dist %s, service %s\n"), BERTH_VERSION, version);
        return EXIT_SUCCESS;
    }
    if (dist_table_has_template() && !dist_table_format_mentions("table "))
        return version_fill_format(version, error) ? EXIT_SUCCESS : EXIT_FAILURE;
    const DistColumn columns[] = {
        {"client", _("CLIENT"), DIST_CELL_TEXT},
        {"service", _("SERVICE"), DIST_CELL_TEXT},
        {NULL, NULL, 0},
    };
    g_autoptr(DistTable) table = dist_table_new(columns);
    dist_table_add(table, BERTH_VERSION, version);
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static const DistVerb lease_verbs[] = {
    {.name = "create",
     .arguments = N_("[ID]"),
     .summary = N_("Create a lease, which keeps the contents added to it"),
     .options = lease_create_options,
     .run = lease_create,
     .max = 1},
    {.name = "list",
     .arguments = "",
     .summary = N_("List leases"),
     .options = dist_table_options,
     .run = lease_list},
    {.name = "add",
     .arguments = N_("ID DIGEST…"),
     .summary = N_("Add contents to a lease"),
     .run = lease_add,
     .min = 2,
     .max = DIST_ANY_NUMBER},
    {.name = "rm",
     .arguments = N_("ID…"),
     .summary = N_("End leases"),
     .run = lease_rm,
     .min = 1,
     .max = DIST_ANY_NUMBER},
    {.name = NULL},
};

const DistVerb dist_store_verbs[] = {
    {.name = "prune",
     .arguments = N_("[WHAT…]"),
     .summary = N_("Delete contents and snapshots that nothing needs, or other unused objects"),
     .options = dist_prune_all_options,
     .run = dist_verb_prune,
     .max = DIST_ANY_NUMBER,
     .details =
         N_("WHAT is containers (those that do not run), volumes (those that no container "
            "mounts), networks (those that no container is in) or contents, which is the default."),
     .example = "dist prune containers contents"},
    {.name = "system",
     .arguments = "VERB",
     .summary = N_("Show or reset the whole store"),
     .verbs = dist_system_verbs},
    {.name = "why",
     .arguments = N_("DIGEST"),
     .summary = N_("Show what keeps a blob or a snapshot"),
     .run = verb_why,
     .min = 1,
     .max = 1},
    {.name = "df",
     .arguments = "",
     .summary = N_("Show what uses disk space"),
     .options = df_options,
     .run = verb_df,
     .example = "dist df --verbose --sort=-size"},
    {.name = "version",
     .arguments = "",
     .summary = N_("Show the versions of dist and of the service"),
     .options = dist_inspect_table_options,
     .run = verb_version},
    {.name = "lease",
     .arguments = "VERB",
     .summary = N_("Keep contents that have no name"),
     .verbs = lease_verbs},
    {.name = NULL},
};
