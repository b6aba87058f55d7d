/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks the names of an import after its call has been answered. The import owns the asker, which
 * handles one question at a time, about all names; freeing the asker cancels the question without
 * an answer. The one thing to know: import_names_check() runs again after each answer of polkit,
 * and looks up again which images the names refer to. See import-names.h.
 */

#include "bus/import-names.h"

#include "bus/access.h"
#include "bus/creators.h"

typedef struct {
    BerthNameAsker asker;
    BerthService *service;
    sd_bus_message *call;
    bool authenticated; /* the user has, for the import and the names it puts */
    const GPtrArray *images;
    BerthNamesAnswered answered; /* NULL: no question is pending */
    void *userdata;
} ImportNames;

/* Returns one list of details for each name, with the digest that the name refers to at this
 * moment, which may change while polkit is being asked. replaced keeps the images that own the
 * digests. */
static GPtrArray *list_import_names(const ImportNames *names, GPtrArray *replaced) {
    GPtrArray *lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

    for (guint i = 0; i < names->images->len; i++) {
        const BerthImportedImage *image = names->images->pdata[i];
        if (image->name[0] == '\0')
            continue;
        BerthImage *current = berth_image_store_get(names->service->database, image->name, NULL);
        if (current)
            g_ptr_array_add(replaced, current);
        g_ptr_array_add(lists, berth_access_new_details(
                                   "image", image->name, "digest", image->target->digest,
                                   "replaced", current ? current->target->digest : NULL, NULL));
    }
    return lists;
}

/* The user has authenticated for the import, so unpacking its images needs no second
 * authentication. */
static void note_names(const ImportNames *names) {
    for (guint i = 0; i < names->images->len; i++) {
        const BerthImportedImage *image = names->images->pdata[i];
        berth_creators_add_image(names->service, image->name, image->target->digest, names->call);
    }
}

static void import_names_check(sd_bus_message *call, void *userdata) {
    g_autoptr(GPtrArray) replaced =
        g_ptr_array_new_with_free_func((GDestroyNotify)berth_image_free);
    g_auto(sd_bus_error) refused = SD_BUS_ERROR_NULL;
    ImportNames *names = userdata;
    g_autoptr(GPtrArray) lists = list_import_names(names, replaced);
    g_autoptr(GError) local = NULL;
    if (names->authenticated)
        berth_access_set_authenticated(names->service->access, call);
    int r = berth_access_check_many(names->service->access, call, &refused, "name", lists);

    if (r == BERTH_ACCESS_ASKING)
        return;
    if (r < 0)
        berth_error_set(&local, BERTH_ERROR_ACCESS_DENIED,
                        "the names in the archive cannot be set: %s", refused.message);
    else if (names->authenticated)
        note_names(names);
    BerthNamesAnswered answered = names->answered;
    names->answered = NULL;
    answered(local, names->userdata);
}

static void import_names_ask(BerthNameAsker *asker, const GPtrArray *images,
                             BerthNamesAnswered answered, void *userdata) {
    ImportNames *names = (ImportNames *)asker;

    names->images = images;
    names->answered = answered;
    names->userdata = userdata;
    berth_access_run_later(names->service->access, names->call, import_names_check, names);
}

/* Without the authorization, no answer from polkit can reach the freed asker. */
static void free_names(BerthNameAsker *asker) {
    ImportNames *names = (ImportNames *)asker;

    if (names->answered)
        berth_access_forget(names->service->access, names->call);
    sd_bus_message_unref(names->call);
    g_free(names);
}

BerthNameAsker *berth_import_names_new(BerthService *service, sd_bus_message *call) {
    ImportNames *names = g_new0(ImportNames, 1);

    names->asker = (BerthNameAsker){import_names_ask, free_names};
    names->service = service;
    names->call = sd_bus_message_ref(call);
    names->authenticated = berth_access_is_authenticated(service->access, call);
    return &names->asker;
}
