/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * /org/freedesktop/LogControl1, org.freedesktop.LogControl1: systemd's interface for the log
 * settings of services, used by "systemctl service-log-level berthd". base/log.c keeps the
 * settings, and holds the service while they differ from the defaults (base/hold.h). There is no
 * state here. The audit is not affected by these settings.
 */

#include "base/log.h"
#include "bus/objects.h"

#define PATH "/org/freedesktop/LogControl1"
#define INTERFACE "org.freedesktop.LogControl1"

BERTH_PROPERTY_GETTER(get_log_setting) {
    return sd_bus_message_append(reply, "s",
                                 g_str_equal(property, "LogLevel")    ? berth_log_get_level_name()
                                 : g_str_equal(property, "LogTarget") ? berth_log_get_target_name()
                                                                      : berth_log_get_identifier());
}

static int log_control_open(sd_bus_message *call, BerthView *view, sd_bus_error *error) {
    (void)error;
    return berth_access_get_uid(view->service->access, call, &view->viewer.uid);
}

static int log_control_set(sd_bus_message *call, BerthView *view, const char *property,
                           sd_bus_error *error) {
    bool is_level = g_str_equal(property, "LogLevel");
    const char *value;

    if (view->viewer.uid != 0)
        return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED,
                                "only root may change what the service logs");
    if (!is_level && !g_str_equal(property, "LogTarget"))
        return sd_bus_error_setf(error, SD_BUS_ERROR_PROPERTY_READ_ONLY,
                                 "the property \"%s\" is read-only", property);
    int r = sd_bus_message_read(call, "v", "s", &value);
    if (r < 0)
        return r;
    if (!(is_level ? berth_log_set_level(value) : berth_log_set_target(value)))
        return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "unknown log %s \"%.50s\"",
                                 is_level ? "level" : "target", value);
    return sd_bus_reply_method_return(call, NULL);
}

static const sd_bus_vtable vtable[] = {
    SD_BUS_VTABLE_START(0),
    /* Properties are written through log_control_set(); sd-bus never calls these setters. */
    SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get_log_setting, NULL, 0, 0),
    SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", get_log_setting, NULL, 0, 0),
    SD_BUS_PROPERTY("SyslogIdentifier", "s", get_log_setting, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_VTABLE_END,
};

int berth_log_control_bus_add(BerthService *service) {
    static const BerthPropertySource source = {
        .interface = INTERFACE, .vtable = vtable, .open = log_control_open, .set = log_control_set};

    return berth_objects_add_single(service, PATH, &source);
}
