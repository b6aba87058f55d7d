/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* /org/berth1/volumes, org.berth1.Volumes. */

#include "containers/parts/volumes.h"

#include "bus/container-object.h"
#include "bus/dispatch.h"
#include "bus/page.h"

#define PATH BERTH_BUS_ROOT "/volumes"
#define INTERFACE "org.berth1.Volumes"

static int method_create(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    const char *name;
    uint32_t uid;
    int r;

    if ((r = sd_bus_message_read(call, "s", &name)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0)
        return r;
    r = berth_access_get_uid(service->access, call, &uid);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = berth_access_check(service->access, call, ret_error, "create", "volume", name, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    return berth_volume_create(service->containers, name, uid, &error)
               ? sd_bus_reply_method_return(call, NULL)
               : berth_bus_error_set(ret_error, error);
}

static int method_delete(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_autoptr(GError) error = NULL;
    uint32_t uid = 0, user;
    const char *name;
    int r;

    if ((r = sd_bus_message_read(call, "s", &name)) < 0 ||
        (r = berth_options_read_none(call, ret_error)) < 0 ||
        (r = berth_access_get_uid(service->access, call, &user)) != BERTH_ACCESS_GRANTED)
        return r;
    bool exists = berth_volume_get_owner(service->containers, name, &uid, NULL);
    const BerthOwned volume = {"volume", "volume", name, exists, uid};
    g_autofree char *owner = exists ? g_strdup_printf("%u", uid) : NULL;
    r = berth_access_check_owned(service->access, call, ret_error, &volume, "volume", name, "owner",
                                 owner, NULL);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    return berth_volume_delete(service->containers, name, user, &error)
               ? sd_bus_reply_method_return(call, NULL)
               : berth_bus_error_set(ret_error, error);
}

static int method_list(sd_bus_message *call, void *userdata, sd_bus_error *ret_error) {
    BerthService *service = userdata;
    g_auto(BerthPage) page = BERTH_PAGE_FIRST;
    const BerthOption options[] = {BERTH_PAGE_OPTIONS(page), {NULL, NULL, NULL}};
    g_autoptr(GError) error = NULL;
    sd_bus_message *item;
    BerthSight sight;
    int r = berth_options_read(call, options, ret_error);

    if (r < 0)
        return r;
    r = berth_sight_find(call, service, &sight);
    if (r != BERTH_ACCESS_GRANTED)
        return r;
    g_autoptr(GPtrArray) list = berth_volumes_list(service->containers, &error);
    if (!list)
        return berth_bus_error_set(ret_error, error);
    r = berth_page_open(&page, call, "(sut)");
    for (guint i = 0; r > 0 && i < list->len; i++) {
        const BerthVolume *volume = list->pdata[i];
        if (berth_sight_sees(&sight, volume->owner) && berth_page_wants(&page, volume->name) &&
            (r = berth_page_begin(&page, &item)) >= 0 &&
            (r = sd_bus_message_append(item, "(sut)", volume->name, volume->owner,
                                       volume->created_usec)) >= 0)
            r = berth_page_add(&page);
    }
    return berth_page_send(&page, r);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("Create", SD_BUS_ARGS("s", name, "a{sv}", options), SD_BUS_NO_RESULT,
                            method_create, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Delete", SD_BUS_ARGS("s", name, "a{sv}", options), SD_BUS_NO_RESULT,
                            method_delete, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("a(sut)", volumes),
                            method_list, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
};

int berth_volumes_bus_add(BerthService *service) {
    return berth_dispatch_add(service, PATH, INTERFACE, vtable, NULL);
}
