/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checks that the images in an archive are complete, one image after the other. An index may have
 * been saved for a single platform: then only that platform has to be complete. The import owns the
 * check.
 */

#include "images/import-private.h"

struct BerthImportCheck {
    const BerthImportContext *context;
    GPtrArray *found; /* of BerthImportedImage */
    guint next;
    BerthClosure *closure; /* while collecting */
    BerthImportChecked done;
    void *userdata;
};

BerthImportCheck *berth_import_check_new(const BerthImportContext *context, GPtrArray *found,
                                         BerthImportChecked done, void *userdata) {
    BerthImportCheck *check = g_new0(BerthImportCheck, 1);

    *check =
        (BerthImportCheck){.context = context, .found = found, .done = done, .userdata = userdata};
    return check;
}

void berth_import_check_free(BerthImportCheck *check) {
    if (!check)
        return;
    berth_closure_free(check->closure);
    g_free(check);
}

static const BerthImportedImage *import_check_get_current(const BerthImportCheck *check) {
    return check->found->pdata[check->next];
}

/* The scope is what the owner holds: content of other users does not complete the image, even if it
 * is in the store. */
static void import_check_collect(BerthImportCheck *check, const BerthPlatform *platform,
                                 BerthClosureDone done) {
    const BerthImportContext *context = check->context;
    const BerthClosureScope scope = {.owner = context->transfer->owner};
    g_autoptr(GError) error = NULL;

    check->closure = berth_closure_collect(context->images, import_check_get_current(check)->target,
                                           platform, &scope, done, check, &error);
    if (!check->closure)
        check->done(error, check->userdata);
}

static void import_check_on_platform(GPtrArray *items, const GError *error, void *userdata) {
    BerthImportCheck *check = userdata;
    g_autoptr(GError) local = error ? g_error_copy(error) : NULL;

    check->closure = NULL;
    if (!local && berth_closure_check(items, import_check_get_current(check)->name, &local)) {
        check->next++;
        berth_import_check_start(check);
        return;
    }
    g_prefix_error(&local, "the archive is incomplete: ");
    check->done(local, check->userdata);
}

/* If an index is incomplete, the image for the platform may still be complete, which is
 * sufficient. */
static void import_check_on_all(GPtrArray *items, const GError *error, void *userdata) {
    BerthImportCheck *check = userdata;
    const BerthImportedImage *image = import_check_get_current(check);
    bool is_index = berth_media_type_get_kind(image->target->media_type) == BERTH_KIND_INDEX;

    check->closure = NULL;
    if (error) {
        check->done(error, check->userdata);
    } else if (berth_closure_check(items, image->name, NULL)) {
        check->next++;
        berth_import_check_start(check);
    } else {
        import_check_collect(check, is_index ? check->context->platform : NULL,
                             import_check_on_platform);
    }
}

void berth_import_check_start(BerthImportCheck *check) {
    if (check->next >= check->found->len)
        check->done(NULL, check->userdata);
    else
        import_check_collect(check, NULL, import_check_on_all);
}
