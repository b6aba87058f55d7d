/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/berth1/leases, org.berth1.Leases. A lease belongs to the user that created it, and keeps
 * content until it is deleted or expires. The store owns the leases; the one bus object has no
 * state. The one thing to know: a lease gives no right to content; Add accepts only content that
 * the caller holds or may read (store/provenance.h).
 */

#include "base/charge.h"
#include "base/labels.h"
#include "base/names.h"
#include "bus/access.h"
#include "bus/content-adoption.h"
#include "bus/dispatch.h"
#include "bus/options.h"
#include "bus/page.h"
#include "bus/pending-call.h"
#include "bus/service.h"
#include "bus/viewer.h"
#include "store/lease-store.h"
#include "store/provenance.h"

#define PATH BERTH_BUS_ROOT "/leases"
#define INTERFACE "org.berth1.Leases"

/* Chooses an ID if the caller gives none: random, so that two leases never collide. If the kernel
 * provides no random bytes, returns "", which is refused as an invalid name. */
static char *make_lease_id(void) {
    sd_id128_t id;
    char text[SD_ID128_STRING_MAX];

    return sd_id128_randomize(&id) < 0 ? g_strdup("") : g_strdup(sd_id128_to_string(id, text));
}

/* Labels of leases and of containers share one limit. */
static bool check_lease_quota(BerthService *service, uint32_t owner, char *const *labels,
                              GError **error) {
    g_autoptr(GPtrArray) leases = berth_lease_store_list(service->database, error);
    uint64_t count = 0, bytes = berth_containers_sum_labels(service->containers, owner);

    for (guint i = 0; leases && i < leases->len; i++) {
        const BerthLease *lease = leases->pdata[i];
        if (lease->owner != owner)
            continue;
        count++;
        bytes += berth_labels_measure(lease->labels);
    }
    return leases && berth_charge_check(owner, BERTH_RESOURCE_LEASES, count, 1, error) &&
           berth_charge_check(owner, BERTH_RESOURCE_LABELS, bytes, berth_labels_measure(labels),
                              error);
}

/* An empty ID is replaced by a random one. polkit is asked about the ID as given by the caller. */
static int leases_method_create(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    g_auto(GStrv) labels = NULL;
    const char *asked;
    uint64_t expires = 0;
    uint32_t uid;
    int r;
    const BerthOption options[] = {
        {"Expires", "t", &expires}, {"Labels", "a{ss}", &labels}, {NULL, NULL, NULL}};

    if ((r = sd_bus_message_read(call, "s", &asked)) < 0 ||
        (r = berth_options_read(call, options, ret_error)) < 0)
        return r;
    r = berth_access_get_uid(service->access, call, &uid);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_access_check(service->access, call, ret_error, "write", "lease", asked, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autofree char *id = asked[0] ? g_strdup(asked) : make_lease_id();
    const BerthLease lease = {
        .id = id,
        .owner = uid,
        .created_usec = (uint64_t)g_get_real_time(),
        .expires_usec = MIN(expires, (uint64_t)INT64_MAX),
        .labels = labels,
    };
    if (!berth_name_check_lease(id, &error) || !check_lease_quota(service, uid, labels, &error) ||
        !berth_lease_store_create(service->database, &lease, &error))
        return berth_bus_error_set(ret_error, error);
    return sd_bus_reply_method_return(call, "s", id);
}

/* Makes the check on the caller's own lease (the right to write) or on one of another user (the
 * right to manage). digests are those to be added, for each of which rules are consulted; NULL for
 * members other than Add. */
static int lease_check_member(sd_bus_message *call, BerthService *service, sd_bus_error *error,
                              const char *id, char *const *digests) {
    g_autoptr(BerthLease) lease = berth_lease_store_get(service->database, id, NULL);
    const BerthOwnedObject object = {"lease", "lease", id, lease != NULL, lease ? lease->owner : 0};
    g_autofree char *owner = lease ? g_strdup_printf("%u", lease->owner) : NULL;
    g_autoptr(GPtrArray) lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

    if (!digests)
        return berth_access_check_owned(service->access, call, error, &object, "lease", id, "owner",
                                        owner, NULL);
    for (char *const *digest = digests; *digest; digest++)
        g_ptr_array_add(
            lists, berth_access_new_details("lease", id, "digest", *digest, "owner", owner, NULL));
    return berth_access_check_owned_many(service->access, call, error, &object, lists);
}

/* Content that only another user has brought leads to NotFound, as if it were not in the store. If
 * the caller has the right to read it, it counts as brought by the caller from now on, together
 * with everything below it. */
static int find_adopted(sd_bus_message *call, BerthService *service, sd_bus_error *ret_error,
                        const char *id, char *const *digests, GPtrArray *adopted) {
    uint32_t uid;
    int r = berth_access_get_uid(service->access, call, &uid);

    for (char *const *digest = digests; r == BERTH_ACCESS_GRANTED && digest && *digest; digest++) {
        g_autoptr(GPtrArray) below = NULL;
        if (uid != 0 && berth_provenance_holds(service->database, uid, *digest))
            continue;
        r = berth_content_adoption_find(service, call, ret_error, "lease", id, *digest, &below);
        if (r != BERTH_ACCESS_GRANTED)
            return r;
        if (uid != 0 && !g_ptr_array_find_with_equal_func(below, *digest, g_str_equal, NULL))
            return sd_bus_error_setf(ret_error, BERTH_ERROR_PREFIX "NotFound",
                                     "content %.200s is not here", *digest);
        g_ptr_array_extend_and_steal(adopted, g_steal_pointer(&below));
    }
    return r;
}

/* A lease keeps only content that its owner holds. In the lease of another user, a document
 * therefore does not keep what is below it, and each digest that the caller may name is added
 * individually. */
static bool lease_add_digests(BerthService *service, uint32_t uid, const char *id,
                              char *const *digests, GPtrArray *adopted, GError **error) {
    g_autoptr(BerthLease) lease = berth_lease_store_get(service->database, id, error);

    if (!lease || !berth_content_adoption_record(service, uid, adopted, error))
        return false;
    for (guint i = 0; lease->owner != uid && i < adopted->len; i++)
        if (!berth_lease_store_add(service->database, lease, adopted->pdata[i], error))
            return false;
    for (char *const *digest = digests; digest && *digest; digest++)
        if (!berth_lease_store_add(service->database, lease, *digest, error))
            return false;
    return true;
}

/* A call without digests still needs the right, hence the empty digest. All checks and lookups come
 * before the first row is written. */
static int leases_method_add(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) adopted = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) digests = NULL;
    const char *id;
    uint32_t uid;
    int r;

    if ((r = sd_bus_message_read(call, "s", &id)) < 0 ||
        (r = sd_bus_message_read_strv(call, &digests)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    char *none[] = {(char *)"", NULL};
    r = lease_check_member(call, service, ret_error, id, digests && digests[0] ? digests : none);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    for (char **digest = digests; digest && *digest; digest++)
        if (!berth_digest_parse(*digest, NULL, &error))
            return berth_bus_error_set(ret_error, error);
    r = find_adopted(call, service, ret_error, id, digests, adopted);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_access_get_uid(service->access, call, &uid);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!lease_add_digests(service, uid, id, digests, adopted, &error))
        return berth_bus_error_set(ret_error, error);
    return sd_bus_reply_method_return(call, NULL);
}

static int leases_method_delete(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    const char *id;
    int r;

    if ((r = sd_bus_message_read(call, "s", &id)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    r = lease_check_member(call, service, ret_error, id, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    if (!berth_lease_store_delete(service->database, id, &error))
        return berth_bus_error_set(ret_error, error);
    return sd_bus_reply_method_return(call, NULL);
}

static int append_lease(sd_bus_message *reply, const BerthLease *lease) {
    int r;

    if ((r = sd_bus_message_open_container(reply, 'r', "sa{sv}")) < 0 ||
        (r = sd_bus_message_append(reply, "s", lease->id)) < 0 ||
        (r = sd_bus_message_open_container(reply, 'a', "{sv}")) < 0 ||
        (r = sd_bus_message_append(reply, "{sv}{sv}{sv}", "Owner", "u", lease->owner, "Created",
                                   "t", lease->created_usec, "Expires", "t", lease->expires_usec)) <
            0 ||
        (r = berth_bus_append_labels_entry(reply, lease->labels)) < 0 ||
        (r = berth_options_append_strings(reply, "Digests", lease->digests)) < 0 ||
        (r = sd_bus_message_close_container(reply)) < 0)
        return r;
    return sd_bus_message_close_container(reply);
}

static int leases_method_list(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_auto(BerthPage) page = BERTH_PAGE_FIRST;
    const BerthOption options[] = {BERTH_PAGE_OPTIONS(page), {NULL, NULL, NULL}};
    g_autoptr(GError) error = NULL;
    sd_bus_message *item;
    BerthViewer viewer;
    int r = berth_options_read(call, options, ret_error);

    if (r < 0)
        return r;
    r = berth_viewer_find(call, service, &viewer);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autoptr(GPtrArray) leases = berth_lease_store_list(service->database, &error);
    if (!leases)
        return berth_bus_error_set(ret_error, error);
    berth_page_sort(leases);
    r = berth_page_open(&page, call, "(sa{sv})");
    for (guint i = 0; r > 0 && i < leases->len; i++) {
        const BerthLease *lease = leases->pdata[i];
        if (berth_viewer_sees(&viewer, lease->owner) && berth_page_wants(&page, lease->id) &&
            (r = berth_page_begin(&page, &item)) >= 0 && (r = append_lease(item, lease)) >= 0)
            r = berth_page_add(&page);
    }
    return berth_page_send(&page, r);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Create", SD_BUS_ARGS("s", id, "a{sv}", options),
                            SD_BUS_RESULT("s", lease), leases_method_create,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Add", SD_BUS_ARGS("s", id, "as", digests, "a{sv}", options),
                            SD_BUS_NO_RESULT, leases_method_add, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("s", id, "a{sv}", options), SD_BUS_NO_RESULT,
                            leases_method_delete, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_ARGS("a{sv}", options),
                            SD_BUS_RESULT("a(sa{sv})", leases), leases_method_list,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

int berth_leases_bus_add(BerthService *service) {
    return berth_dispatch_add(service, PATH, INTERFACE, vtable, NULL);
}
