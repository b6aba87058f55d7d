/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * dist search: searches the repositories of a registry (Docker Hub by default) or, with
 * --list-tags, lists the tags of a repository.
 */

#include "client/search.h"

#include "client/bus.h"
#include "client/credentials.h"
#include "client/dictionary.h"
#include "client/format.h"
#include "client/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HUB "docker.io"

static struct {
    gboolean tags, insecure;
    gint64 limit;
} given = {.limit = 25};

const DistOption dist_search_options[] = {
    {"list-tags", 0, DIST_OPTION_FLAG, &given.tags, N_("List the tags of a repository"), NULL},
    {"limit", 0, DIST_OPTION_NUMBER, &given.limit, N_("List at most this many; 25 if not given"),
     N_("NUMBER")},
    {"insecure", 0, DIST_OPTION_FLAG, &given.insecure,
     N_("Allow plain HTTP and certificates that cannot be checked"), NULL},
    DIST_OPTION_INCLUDE(dist_table_options),
    DIST_OPTION_END,
};

/* Splits "registry.example.com/term": as in a reference, the part before the first slash is a
 * registry if it looks like a host. */
static void split_term(const char *text, char **registry, char **term) {
    size_t length = strcspn(text, "/");
    g_autofree char *first = g_strndup(text, length);
    bool is_host = strpbrk(first, ".:") || g_str_equal(first, "localhost");

    *registry = g_strdup(text[length] && is_host ? first : HUB);
    *term = g_strdup(text[length] && is_host ? text + length + 1 : text);
}

/* place: a registry, or a repository whose tags are listed. Credentials are sent for that place
 * only. */
static sd_bus_message *search_ask(const char *place, const char *term, GError **error) {
    g_autoptr(GError) local = NULL;
    g_autoptr(BerthCredentials) credentials = dist_find_credentials(place, &local);
    g_autoptr(sd_bus_message) call = local ? NULL : dist_new_call(error, DIST_IMAGES, "Search");
    int r;

    if (local)
        g_propagate_error(error, g_steal_pointer(&local));
    if (!call)
        return NULL;
    if ((r = sd_bus_message_append(call, "ss", place, term)) < 0 ||
        (r = sd_bus_message_open_container(call, 'a', "{sv}")) < 0 ||
        (r = sd_bus_message_append(call, "{sv}", "Tags", "b", (int)given.tags)) < 0 ||
        (r = sd_bus_message_append(call, "{sv}", "Limit", "t", (uint64_t)MAX(given.limit, 0))) <
            0 ||
        (given.insecure && (r = sd_bus_message_append(call, "{sv}", "Insecure", "b", 1)) < 0) ||
        (r = dist_append_credentials(call, credentials)) < 0 ||
        (r = sd_bus_message_close_container(call)) < 0)
        return dist_bad_reply(r, error), NULL;
    return dist_send(g_steal_pointer(&call), error);
}

static int search_read_found(sd_bus_message *reply, const char *place, DistTable *table) {
    const char *name, *description = "";
    uint64_t stars = 0;
    int official = 0;
    const DistField fields[] = {
        {"Description", "s", &description},
        {"Stars", "t", &stars},
        {"Official", "b", &official},
        {NULL, NULL, NULL},
    };
    int r = dist_dictionary_read_item(reply, &name, fields);

    if (r <= 0)
        return r;
    g_autofree char *whole = g_strconcat(place, given.tags ? ":" : "/", name, NULL);
    if (given.tags)
        dist_table_add(table, whole, place, name);
    else
        dist_table_add(table, whole, description, (int64_t)stars, official ? _("yes") : "");
    return 1;
}

static int print_found(sd_bus_message *reply, const char *place, DistTable *table, GError **error) {
    int r = sd_bus_message_enter_container(reply, 'a', "(sa{sv})");

    while (r >= 0 && (r = search_read_found(reply, place, table)) > 0)
        continue;
    if (r < 0)
        return dist_bad_reply(r, error), EXIT_FAILURE;
    return dist_table_print(table, error) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A tag in the reference is ignored. */
static int list_tags(const char *reference, GError **error) {
    const DistColumn columns[] = {{"reference", NULL, DIST_CELL_TEXT},
                                  {"name", _("NAME"), DIST_CELL_TEXT},
                                  {"tag", _("TAG"), DIST_CELL_TEXT},
                                  {NULL, NULL, 0}};
    g_autofree char *whole = dist_complete_reference(reference);
    g_autofree char *place = NULL, *tag = NULL;
    dist_split_reference(whole, &place, &tag);
    g_autoptr(sd_bus_message) reply = search_ask(place, "", error);
    g_autoptr(DistTable) table = dist_table_new(columns);

    return reply ? print_found(reply, place, table, error) : EXIT_FAILURE;
}

int dist_verb_search(char **argv, GError **error) {
    const DistColumn columns[] = {{"name", _("NAME"), DIST_CELL_TEXT},
                                  {"description", _("DESCRIPTION"), DIST_CELL_TEXT},
                                  {"stars", _("STARS"), DIST_CELL_NUMBER},
                                  {"official", _("OFFICIAL"), DIST_CELL_TEXT},
                                  {NULL, NULL, 0}};
    g_autofree char *registry = NULL, *term = NULL;

    if (given.tags)
        return list_tags(argv[1], error);
    split_term(argv[1], &registry, &term);
    g_autoptr(sd_bus_message) reply = search_ask(registry, term, error);
    g_autoptr(DistTable) table = dist_table_new(columns);
    return reply ? print_found(reply, registry, table, error) : EXIT_FAILURE;
}
