/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The common parts of calls about an image. Members of the collection have the image's name as an
 * argument, those of the object in their path; handlers serve both, and the name is read here.
 * There is no state.
 */

#include "bus/images-object.h"

int berth_image_read_name(sd_bus_message *call, char **name) {
    return berth_object_read_name(berth_objects_get_kind(BERTH_IMAGE_INTERFACE), call, name);
}

int berth_image_reply_before(sd_bus_message *call, const BerthDescriptor *before) {
    return sd_bus_reply_method_return(call, "(sst)", before ? before->media_type : "",
                                      before ? before->digest : "",
                                      before ? before->size : (uint64_t)0);
}
