/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Search asks one registry and frees itself after done. Docker Hub has a separate interface for
 * this, which is used without any credentials, since it is another host. Every other registry lists
 * all of its repositories, or the tags of one, page by page, and the term is searched for here
 * (distribution specification, "Listing Tags"; the catalog is an interface of Docker's registry).
 */

#include "fetch/search.h"

#include "base/document.h"

#include <string.h>

#define HUB_HOST "registry-1.docker.io"
#define HUB_SEARCH "https://index.docker.io/v1/search"

enum {
    PAGE_NAMES = 1000,
    MAX_PAGES = 100, /* a registry whose list never ends would be asked forever */
    MAX_NAME = 255,
    MAX_DESCRIPTION = 1024,
};

typedef struct {
    BerthFetchSession *session;
    BerthSearchKind kind;
    char *term;
    uint32_t limit;
    guint pages;
    char *last; /* the last name on the previous page */
    char *next; /* the URL of the next page, if the registry names one */
    GPtrArray *results;
    BerthSearched done;
    void *userdata;
} RegistrySearch;

static void free_result(gpointer data) {
    BerthSearchResult *result = data;

    g_free(result->name);
    g_free(result->description);
    g_free(result);
}

static void search_finish(RegistrySearch *search, const GError *error) {
    search->done(error ? NULL : search->results, error, search->userdata);
    g_ptr_array_unref(search->results);
    g_free(search->term);
    g_free(search->last);
    g_free(search->next);
    g_free(search);
}

/* Cuts a text to a number of bytes, but not within a character. */
static char *cut_text(const char *text) {
    const char *end = text + strnlen(text, MAX_DESCRIPTION);

    while (*end && end > text && ((unsigned char)*end & 0xc0) == 0x80)
        end--;
    return g_strndup(text, (gsize)(end - text));
}

/* Names come from the registry, so empty and overlong ones are left out, and so is everything above
 * the limit. */
static void add_result(RegistrySearch *search, const char *name, const char *description) {
    BerthSearchResult *result;

    if (!name || !name[0] || strlen(name) > MAX_NAME || search->results->len >= search->limit)
        return;
    result = g_new0(BerthSearchResult, 1);
    result->name = g_strdup(name);
    result->description = cut_text(description ? description : "");
    g_ptr_array_add(search->results, result);
}

/* NULL with error if the response is not a success or not JSON. */
static json_object *read_answer(const RegistrySearch *search, const char *path,
                                const BerthResponse *response, const GError *error,
                                GError **ret_error) {
    BerthRemote *origin = berth_fetch_session_get_origin(search->session);

    if (error)
        return g_propagate_error(ret_error, g_error_copy(error)), NULL;
    if (response->status != 200)
        return berth_remote_set_status_error(origin, path, response, ret_error), NULL;
    json_object *root = berth_document_parse(response->body->str, response->body->len, ret_error);
    if (!root)
        g_prefix_error(ret_error, "%s: ", berth_remote_get_host(origin));
    return root;
}

/* An entry may not have added a result, hence the comparison of the counts. */
static bool read_hub(RegistrySearch *search, json_object *object, GError **error) {
    json_object *entries;

    if (!berth_document_get_objects(object, "results", &entries, error))
        return false;
    for (guint i = 0; entries && i < json_object_array_length(entries); i++) {
        json_object *entry = json_object_array_get_idx(entries, i);
        const char *name = NULL, *description = NULL;
        guint before = search->results->len;
        if (!berth_document_get_string(entry, "name", &name, error) ||
            !berth_document_get_string(entry, "description", &description, error))
            return false;
        add_result(search, name, description);
        if (search->results->len == before)
            continue;
        BerthSearchResult *result = search->results->pdata[before];
        if (!berth_document_get_size(entry, "star_count", &result->stars, error) ||
            !berth_document_get_bool(entry, "is_official", &result->official, error))
            return false;
    }
    return true;
}

static void on_hub(const BerthResponse *response, const GError *error, void *userdata) {
    RegistrySearch *search = userdata;
    g_autoptr(GError) local = NULL;
    g_autoptr(json_object) root = read_answer(search, HUB_SEARCH, response, error, &local);

    if (root)
        read_hub(search, root, &local);
    search_finish(search, local);
}

/* Uses the HTTP client and not the remote, since this is another host. The Hub returns at most 100
 * results. */
static void ask_hub(RegistrySearch *search) {
    g_autofree char *term = g_uri_escape_string(search->term, NULL, FALSE);
    g_autofree char *url = g_strdup_printf(HUB_SEARCH "?q=%s&n=%u", term, MIN(search->limit, 100u));

    berth_http_send(search->session->http,
                    &(BerthHttpOptions){.url = url, .method = "GET", .accept = "application/json"},
                    on_hub, search);
}

static void ask_page(RegistrySearch *search);

/* Returns true if there may be more. Registries may send fewer names than requested with a link to
 * the next page; without a link, a page that is not full is the last one. */
static bool read_page(RegistrySearch *search, json_object *object, const char *next,
                      GError **error) {
    const char *member = search->kind == BERTH_SEARCH_TAGS ? "tags" : "repositories";
    g_auto(GStrv) names = NULL;

    if (!berth_document_get_strings(object, member, &names, error))
        return false;
    for (char **name = names; *name; name++)
        if (strstr(*name, search->term))
            add_result(search, *name, NULL);
    guint count = g_strv_length(names);
    if (search->results->len >= search->limit || ++search->pages >= MAX_PAGES)
        return false;
    g_free(search->next);
    search->next = next[0] ? g_strdup(next) : NULL;
    if (search->next)
        return true;
    if (count < PAGE_NAMES || g_strcmp0(search->last, names[count - 1]) == 0)
        return false;
    g_free(search->last);
    search->last = g_strdup(names[count - 1]);
    return true;
}

static void on_page(const BerthResponse *response, const GError *error, void *userdata) {
    RegistrySearch *search = userdata;
    const char *path = search->kind == BERTH_SEARCH_TAGS ? "tags/list" : "/v2/_catalog";
    g_autoptr(GError) local = NULL;
    g_autoptr(json_object) root = read_answer(search, path, response, error, &local);

    if (root && read_page(search, root, response->next, &local))
        ask_page(search);
    else
        search_finish(search, local);
}

static void ask_page(RegistrySearch *search) {
    const char *path = search->kind == BERTH_SEARCH_TAGS ? "tags/list" : "/_catalog";
    g_autofree char *last = search->last ? g_uri_escape_string(search->last, NULL, FALSE) : NULL;
    g_autofree char *whole =
        g_strdup_printf("%s?n=%d%s%s", path, PAGE_NAMES, last ? "&last=" : "", last ? last : "");

    berth_remote_send(
        berth_fetch_session_get_origin(search->session), search->next ? search->next : whole, NULL,
        &(BerthHttpOptions){.method = "GET", .accept = "application/json"}, on_page, search);
}

void berth_search(BerthFetchSession *session, BerthSearchKind kind, const char *term,
                  uint32_t limit, BerthSearched done, void *userdata) {
    const char *host = berth_remote_get_host(berth_fetch_session_get_origin(session));
    RegistrySearch *search = g_new0(RegistrySearch, 1);

    *search = (RegistrySearch){
        .session = session,
        .kind = kind,
        .term = g_strdup(term),
        .limit = limit,
        .results = g_ptr_array_new_with_free_func(free_result),
        .done = done,
        .userdata = userdata,
    };
    if (kind == BERTH_SEARCH_REPOSITORIES && g_str_equal(host, HUB_HOST))
        ask_hub(search);
    else
        ask_page(search);
}
