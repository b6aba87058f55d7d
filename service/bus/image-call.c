/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What calls about an image have in common. The members of the collection have its name as an
 * argument, those of the object in their path: handlers serve both, and read it here. There is no
 * state.
 */

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
