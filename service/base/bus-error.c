/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Converts errors. There is no state but the observer, which berthd sets once. An error message may
 * contain text from a worker or a registry, so it is made valid UTF-8 and truncated before it is
 * passed to sd-bus.
 */

#include "base/bus-error.h"

#include "base/limits.h"

#include <string.h>

int berth_bus_error_set(sd_bus_error *ret_error, const GError *error) {
    int code = error->domain == BERTH_ERROR ? error->code : BERTH_ERROR_INTERNAL;
    g_autofree char *name = g_strconcat(BERTH_ERROR_PREFIX, berth_error_get_name(code), NULL);
    /* The message may quote a worker or a registry. */
    g_autofree char *message =
        g_utf8_make_valid(error->message, (gssize)strnlen(error->message, BERTH_MAX_ERROR_BYTES));

    return sd_bus_error_set(
        ret_error, code == BERTH_ERROR_ACCESS_DENIED ? SD_BUS_ERROR_ACCESS_DENIED : name, message);
}

static BerthBusErrorObserver error_observer;

void berth_bus_error_observe(BerthBusErrorObserver observer) {
    error_observer = observer;
}

int berth_bus_reply_error(sd_bus_message *call, const GError *error) {
    g_auto(sd_bus_error) bus_error = SD_BUS_ERROR_NULL;

    berth_bus_error_set(&bus_error, error);
    if (error_observer)
        error_observer(call, bus_error.name);
    return sd_bus_reply_method_error(call, &bus_error);
}

/* A Berth error keeps its code and its message; an error of the bus itself, such as NoReply, means
 * that the peer has failed. */
bool berth_bus_check_reply(sd_bus_message *reply, const char *whose, GError **error) {
    const sd_bus_error *bus_error = sd_bus_message_get_error(reply);

    if (!bus_error)
        return true;
    if (g_str_has_prefix(bus_error->name, BERTH_ERROR_PREFIX))
        return berth_error_set(error, berth_error_from_bus_name(bus_error->name), "%s",
                               bus_error->message ? bus_error->message : bus_error->name);
    if (g_str_equal(bus_error->name, SD_BUS_ERROR_ACCESS_DENIED) ||
        g_str_equal(bus_error->name, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
        return berth_error_set(error, BERTH_ERROR_ACCESS_DENIED, "Permission denied: %s",
                               bus_error->message ? bus_error->message : bus_error->name);
    return berth_error_set(error, BERTH_ERROR_INTERNAL, "%s: %s", whose,
                           bus_error->message ? bus_error->message : bus_error->name);
}

int berth_bus_read_descriptor(sd_bus_message *message, BerthDescriptor **descriptor) {
    const char *media_type, *digest;
    uint64_t size;
    int r = sd_bus_message_read(message, "(sst)", &media_type, &digest, &size);

    if (r > 0)
        *descriptor = berth_descriptor_new(media_type, digest, size);
    return r;
}

int berth_bus_append_descriptor(sd_bus_message *message, const BerthDescriptor *descriptor) {
    return sd_bus_message_append(message, "(sst)", descriptor->media_type, descriptor->digest,
                                 descriptor->size);
}
