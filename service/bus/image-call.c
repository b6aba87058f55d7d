/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A call about an image. Its name is an argument of the collection's members, and is in the path of
 * the object's: handlers serve both, so they read it here. */

#include "bus/images-object.h"

int berth_image_read_name(sd_bus_message *call, char **name) {
    const char *path = sd_bus_message_get_path(call), *text;
    char *decoded = NULL;

    if (!g_str_equal(path, BERTH_IMAGES_PATH)) {
        int r = sd_bus_path_decode(path, BERTH_IMAGES_PATH, &decoded);
        *name = r > 0 ? decoded : g_strdup("");
        return r < 0 ? r : 1;
    }
    int r = sd_bus_message_read(call, "s", &text);
    if (r >= 0)
        *name = g_strdup(text);
    return r;
}

int berth_image_reply_before(sd_bus_message *call, const BerthDescriptor *before) {
    return sd_bus_reply_method_return(call, "(sst)", before ? before->media_type : "",
                                      before ? before->digest : "",
                                      before ? before->size : (uint64_t)0);
}
