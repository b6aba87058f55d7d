/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The configuration of a local image (image specification, config.md), for options whose meaning
 * depends on it. It is read through the service, which has checked that it is JSON.
 */

#include "client/image-config.h"

#include "base/document.h"
#include "client/bus.h"

#include <string.h>

/* Calls read with the member "config", which is NULL if the image has none. */
static char **image_read_config(const char *image,
                                char **(*read)(json_object *config, GError **error),
                                GError **error) {
    g_autoptr(sd_bus_message) reply = dist_call(error, DIST_IMAGES, "Inspect", "sa{sv}", image, 0);
    json_object *config = NULL;
    const char *text;
    int r;

    if (!reply)
        return NULL;
    if ((r = sd_bus_message_read(reply, "s", &text)) < 0)
        return dist_bad_reply(r, error), NULL;
    g_autoptr(json_object) document = berth_document_parse(text, strlen(text), error);
    if (!document || !berth_document_get_object(document, "config", &config, error))
        return NULL;
    return read(config, error);
}

static char **config_read_environment(json_object *config, GError **error) {
    char **environment = NULL;

    if (config && !berth_document_get_strings(config, "Env", &environment, error))
        return NULL;
    return environment ? environment : g_new0(char *, 1);
}

char **dist_image_read_environment(const char *image, GError **error) {
    return image_read_config(image, config_read_environment, error);
}

/* The protocol may be omitted: "80" is "80/tcp". */
static char **config_read_ports(json_object *config, GError **error) {
    g_autoptr(GPtrArray) ports = g_ptr_array_new_with_free_func(g_free);
    json_object *exposed = NULL;

    if (config && !berth_document_get_object(config, "ExposedPorts", &exposed, error))
        return NULL;
    if (exposed) {
        json_object_object_foreach(exposed, port, nothing) {
            (void)nothing;
            g_ptr_array_add(ports, g_strconcat(port, strchr(port, '/') ? "" : "/tcp", NULL));
        }
    }
    g_ptr_array_add(ports, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&ports), FALSE);
}

char **dist_image_read_ports(const char *image, GError **error) {
    return image_read_config(image, config_read_ports, error);
}
