/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Explain and Usage of org.berth1.Contents: what keeps a blob, and what uses how much disk space.
 * There is no state except in calls that wait for sizes. The one thing to know: objects of other
 * users are named only as far as the caller may see them, but all of them count.
 */

#include "base/names.h"
#include "bus/access.h"
#include "bus/contents-object.h"
#include "bus/options.h"
#include "bus/page.h"
#include "bus/pending-call.h"
#include "bus/viewer.h"
#include "containers/parts/disk.h"
#include "images/usage.h"

#include <string.h>

/* words is "KIND NAME", or a description without a name for what is pinned (contents/pins.c). */
static int add_keeper(BerthPage *page, const char *words) {
    static const char *const kinds[] = {"image", "lease", "container", NULL};
    g_auto(GStrv) parts = g_strsplit(words, " ", 2);
    bool is_named = g_strv_contains(kinds, parts[0]);
    const char *name = is_named && !g_str_equal(parts[1], BERTH_REACH_HIDDEN_NAME) ? parts[1] : "";
    sd_bus_message *item;
    int r;

    if ((r = berth_page_begin(page, &item)) < 0 ||
        (r = sd_bus_message_append(item, "(sa{sv})", words, 2, "Kind", "s",
                                   is_named ? parts[0] : "transfer", "Name", "s", name)) < 0)
        return r;
    return berth_page_add(page);
}

/* Makes up to three checks: whether the caller may read this content and then, without interaction,
 * which names the reply may contain. */
int berth_contents_bus_explain(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_auto(BerthPage) page = BERTH_PAGE_FIRST;
    const BerthOption options[] = {BERTH_PAGE_OPTIONS(page), {NULL, NULL, NULL}};
    g_autoptr(GError) error = NULL;
    const char *digest;
    int r;

    if ((r = sd_bus_message_read(call, "s", &digest)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    r = berth_access_check(service->access, call, ret_error, "read", "digest", digest, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    BerthReachViewer viewer;
    if ((r = berth_access_get_uid(service->access, call, &viewer.owner)) != BERTH_ACCESS_GRANTED ||
        (r = berth_access_query(service->access, call, &viewer.images, "images", "digest", digest,
                                NULL)) != BERTH_ACCESS_GRANTED ||
        (r = berth_access_query(service->access, call, &viewer.others, "sight", "digest", digest,
                                NULL)) != BERTH_ACCESS_GRANTED)
        return r;
    g_autoptr(GPtrArray) words = berth_images_explain(service->images, digest, &viewer, &error);
    if (!words)
        return berth_bus_error_set(ret_error, error);
    g_ptr_array_sort(words, berth_name_compare);
    r = berth_page_open(&page, call, "(sa{sv})");
    for (guint i = 0; r > 0 && i < words->len; i++)
        if (berth_page_wants(&page, words->pdata[i]))
            r = add_keeper(&page, words->pdata[i]);
    return berth_page_send(&page, r);
}

/* Sorts by kind and name, the order of the page keys "KIND NAME". */
static gint compare_usage(gconstpointer a, gconstpointer b) {
    const BerthUsage *first = *(BerthUsage *const *)a, *second = *(BerthUsage *const *)b;
    int order = strcmp(first->kind, second->kind);

    return order ? order : strcmp(first->name, second->name);
}

static int reply_add_usage(BerthPage *page, const BerthUsage *usage) {
    g_autofree char *key = g_strconcat(usage->kind, " ", usage->name, NULL);
    sd_bus_message *item;
    int r;

    if (!berth_page_wants(page, key))
        return 1;
    if ((r = berth_page_begin(page, &item)) < 0 ||
        (r = sd_bus_message_append(item, "(sa{sv})", key, 4, "Kind", "s", usage->kind, "Name", "s",
                                   usage->name, "Size", "t", usage->bytes, "Unique", "t",
                                   usage->unique)) < 0)
        return r;
    return berth_page_add(page);
}

/* Lists containers and volumes as further items. */
static bool list_measured(BerthService *service, const BerthViewer *viewer, GPtrArray *list,
                          GError **error) {
    g_autoptr(GPtrArray) items =
        berth_disk_list(service->containers, viewer->others ? UINT32_MAX : viewer->uid, error);

    for (guint i = 0; items && i < items->len; i++) {
        const BerthDiskItem *item = items->pdata[i];
        BerthUsage *usage = g_new0(BerthUsage, 1);
        *usage = (BerthUsage){item->is_volume ? "volume" : "container", g_strdup(item->name),
                              item->bytes, item->bytes};
        g_ptr_array_add(list, usage);
    }
    return items != NULL;
}

static int send_usage(BerthService *service, sd_bus_message *call, BerthPage *page,
                      const BerthViewer *viewer, bool measured, sd_bus_error *ret_error) {
    const BerthReachViewer seen = {viewer->images, viewer->others, viewer->uid};
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = berth_images_list_usage(service->images, &seen, &error);

    if (!list || (measured && !list_measured(service, viewer, list, &error)))
        return berth_bus_error_set(ret_error, error);
    g_ptr_array_sort(list, compare_usage);
    int r = berth_page_open(page, call, "(sa{sv})");
    for (guint i = 0; r > 0 && i < list->len; i++)
        r = reply_add_usage(page, list->pdata[i]);
    return berth_page_send(page, r);
}

/* A call that waits for sizes. The page refers to strings of the call, which pending keeps. */
typedef struct {
    BerthPendingCall *pending;
    BerthPage page;
    BerthViewer viewer;
} UsageCall;

static void on_usage_measured(void *userdata) {
    UsageCall *usage = userdata;
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
    sd_bus_message *call = usage->pending->call;
    int r = send_usage(usage->pending->service, call, &usage->page, &usage->viewer, true, &error);

    if (r < 0)
        sd_bus_reply_method_errno(call, r, &error);
    berth_page_clear(&usage->page);
    berth_pending_call_free(usage->pending);
    g_free(usage);
}

/* A worker walks the trees, one at a time for all callers; the number of such pending calls is
 * limited for each caller. */
static int begin_measuring(BerthService *service, sd_bus_message *call, BerthPage *page,
                           const BerthViewer *viewer, sd_bus_error *error) {
    BerthPendingCall *pending =
        berth_pending_call_new_charged(service, call, BERTH_RESOURCE_COPIES, error);

    if (!pending)
        return -EBUSY;
    UsageCall *usage = g_new0(UsageCall, 1);
    *usage = (UsageCall){pending, *page, *viewer};
    *page = BERTH_PAGE_FIRST;
    berth_disk_measure(service->containers, viewer->others ? UINT32_MAX : viewer->uid,
                       on_usage_measured, usage);
    return 1;
}

int berth_contents_bus_usage(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_auto(BerthPage) page = BERTH_PAGE_FIRST;
    int measure = 0;
    const BerthOption options[] = {
        BERTH_PAGE_OPTIONS(page), {"Measure", "b", &measure}, {NULL, NULL, NULL}};
    int r = berth_options_read(call, options, ret_error);

    if (r < 0)
        return r;
    r = berth_access_check(service->access, call, ret_error, "read", NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    BerthViewer viewer;
    r = berth_viewer_find(call, service, &viewer);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    return measure ? begin_measuring(service, call, &page, &viewer, ret_error)
                   : send_usage(service, call, &page, &viewer, false, ret_error);
}
