/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reads properties through vtables, and has the one handler that runs before sd-bus's own for Get,
 * GetAll and Set: handlers added with sd_bus_add_object(3) take precedence over vtables. An
 * Answerer is created for each source while the service starts, and lives as long as the service.
 * The one thing to know: a view exists for one call; open fills it after the caller has been
 * checked, and close releases it. See properties.h.
 */

#include "bus/properties.h"

#include "base/limits.h"
#include "bus/page.h"

#define PROPERTIES "org.freedesktop.DBus.Properties"

bool berth_properties_is_get_all(sd_bus_message *call) {
    return sd_bus_message_is_method_call(call, PROPERTIES, "GetAll");
}

/* Whether this is a call of Get, GetAll or Set. */
static bool is_properties_call(sd_bus_message *call) {
    return sd_bus_message_is_method_call(call, PROPERTIES, NULL) > 0;
}

static bool is_property(const sd_bus_vtable *entry) {
    return entry->type == _SD_BUS_VTABLE_PROPERTY ||
           entry->type == _SD_BUS_VTABLE_WRITABLE_PROPERTY;
}

static int append_one(sd_bus *bus, sd_bus_message *message, const char *path, const char *interface,
                      const sd_bus_vtable *property, void *userdata) {
    g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
    int r = sd_bus_message_open_container(message, 'v', property->x.property.signature);

    if (r < 0)
        return r;
    r = property->x.property.get(bus, path, interface, property->x.property.member, message,
                                 userdata, &error);
    return r < 0 ? r : sd_bus_message_close_container(message);
}

/* Appends in the order of the vtable, whatever the order of names. */
int berth_properties_append(sd_bus *bus, sd_bus_message *message, const char *path,
                            const char *interface, const sd_bus_vtable *vtable, void *userdata,
                            const char *const *names) {
    int r = sd_bus_message_open_container(message, 'a', "{sv}");

    for (const sd_bus_vtable *entry = vtable; r >= 0 && entry->type != _SD_BUS_VTABLE_END;
         entry++) {
        if (!is_property(entry) || (names && !g_strv_contains(names, entry->x.property.member)))
            continue;
        if ((r = sd_bus_message_open_container(message, 'e', "sv")) < 0 ||
            (r = sd_bus_message_append(message, "s", entry->x.property.member)) < 0 ||
            (r = append_one(bus, message, path, interface, entry, userdata)) < 0)
            return r;
        r = sd_bus_message_close_container(message);
    }
    return r < 0 ? r : sd_bus_message_close_container(message);
}

const char **berth_properties_list_managed(const sd_bus_vtable *vtable) {
    GPtrArray *names = g_ptr_array_new();

    for (const sd_bus_vtable *entry = vtable; entry->type != _SD_BUS_VTABLE_END; entry++)
        if (is_property(entry) && !(entry->flags & SD_BUS_VTABLE_PROPERTY_EXPLICIT))
            g_ptr_array_add(names, (char *)entry->x.property.member);
    g_ptr_array_add(names, NULL);
    return (const char **)g_ptr_array_free(names, FALSE);
}

int berth_properties_append_all(sd_bus *bus, sd_bus_message *message, const char *path,
                                const char *interface, const sd_bus_vtable *vtable,
                                void *userdata) {
    g_autoptr(sd_bus_message) part = NULL;
    int r;

    if ((r = berth_part_new(message, &part)) < 0 ||
        (r = berth_properties_append(bus, part, path, interface, vtable, userdata, NULL)) < 0)
        return r;
    return berth_part_copy(message, part, BERTH_MAX_ITEM_BYTES);
}

static int answer_get(sd_bus *bus, sd_bus_message *call, const char *interface, const char *member,
                      const sd_bus_vtable *vtable, void *userdata, sd_bus_error *error) {
    g_autoptr(sd_bus_message) reply = NULL, part = NULL;
    int r;

    for (const sd_bus_vtable *entry = vtable; entry->type != _SD_BUS_VTABLE_END; entry++) {
        if (!is_property(entry) || !g_str_equal(entry->x.property.member, member))
            continue;
        if ((r = sd_bus_message_new_method_return(call, &reply)) < 0 ||
            (r = berth_part_new(call, &part)) < 0 ||
            (r = append_one(bus, part, sd_bus_message_get_path(call), interface, entry, userdata)) <
                0 ||
            (r = berth_part_copy(reply, part, BERTH_MAX_ITEM_BYTES)) < 0)
            return r;
        return sd_bus_send(bus, reply, NULL);
    }
    return sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_PROPERTY, "there is no property \"%s\"",
                             member);
}

/* Answers Get and GetAll through the getters of vtable. */
static int answer_from_vtable(sd_bus *bus, sd_bus_message *call, const char *interface,
                              const sd_bus_vtable *vtable, void *userdata, sd_bus_error *error) {
    g_autoptr(sd_bus_message) reply = NULL;
    const char *asked, *member;
    int r = sd_bus_message_read(call, "s", &asked);

    if (r < 0)
        return r;
    if (!g_str_equal(asked, interface))
        return sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_INTERFACE,
                                 "there is no interface \"%s\" here", asked);
    if (sd_bus_message_is_method_call(call, PROPERTIES, "Get")) {
        r = sd_bus_message_read(call, "s", &member);
        return r < 0 ? r : answer_get(bus, call, interface, member, vtable, userdata, error);
    }
    if (!berth_properties_is_get_all(call))
        return sd_bus_error_set(error, SD_BUS_ERROR_PROPERTY_READ_ONLY,
                                "these properties are read-only");
    if ((r = sd_bus_message_new_method_return(call, &reply)) < 0 ||
        (r = berth_properties_append_all(bus, reply, sd_bus_message_get_path(call), interface,
                                         vtable, userdata)) < 0)
        return r;
    return sd_bus_send(bus, reply, NULL);
}

/* A source as registered. sd-bus passes a single pointer to the handler, hence one structure. */
typedef struct {
    BerthService *service;
    const BerthPropertySource *source;
    const char *collection; /* path whose own properties are not the source's; NULL: none */
} Answerer;

/* open has not read the arguments, so the interface still comes first. */
static int answer_set(sd_bus_message *call, const BerthPropertySource *source, BerthView *view,
                      sd_bus_error *error) {
    const char *interface, *property;
    int r = sd_bus_message_read(call, "ss", &interface, &property);

    if (r < 0)
        return r;
    if (!g_str_equal(interface, source->interface))
        return sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_INTERFACE,
                                 "there is no interface \"%s\" here", interface);
    return source->set(call, view, property, error);
}

/* Like any handler, this may run several times until open has all answers; only then is there
 * anything to close. */
static int answer_source(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    const Answerer *answerer = userdata;
    const BerthPropertySource *source = answerer->source;
    BerthView view = {.service = answerer->service};
    int r = source->open(call, &view, error);

    if (r != BERTH_ACCESS_GRANTED)
        return r;
    r = source->set && sd_bus_message_is_method_call(call, PROPERTIES, "Set")
            ? answer_set(call, source, &view, error)
            : answer_from_vtable(view.service->bus, call, source->interface, source->vtable, &view,
                                 error);
    if (source->close)
        source->close(&view);
    return r;
}

/* Runs before sd-bus's own handlers, whose replies would be the same for every caller. Returning 0
 * passes a message on to sd-bus. */
static int on_source_call(sd_bus_message *call, void *userdata, sd_bus_error *error) {
    Answerer *answerer = userdata;

    return is_properties_call(call) &&
                   g_strcmp0(sd_bus_message_get_path(call), answerer->collection) != 0
               ? berth_access_run(answerer->service->access, call, answer_source, answerer, error)
               : 0;
}

int berth_properties_add(BerthService *service, const char *path, bool below,
                         const BerthPropertySource *source) {
    /* These live as long as the connection, which is as long as the service does. */
    static GPtrArray *answerers;
    Answerer *answerer = g_new0(Answerer, 1);

    if (!answerers)
        answerers = g_ptr_array_new();
    g_ptr_array_add(answerers, answerer);
    *answerer = (Answerer){service, source, below ? path : NULL};
    return below ? sd_bus_add_fallback(service->bus, NULL, path, on_source_call, answerer)
                 : sd_bus_add_object(service->bus, NULL, path, on_source_call, answerer);
}
