/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls about images, with options and credentials. */

#pragma once

#include "base/error.h"

#include <systemd/sd-bus.h>

/* Members that are NULL or false are not sent. The types match the targets of options (option.h).
 */
typedef struct {
    gboolean insecure, all_platforms;
    char *platform, *lease;
    const char *document; /* of Inspect */
} DistImageOptions;

/* Calls a member with name, an image in the store, and with reference, whose registry the call
 * leads to, so its credentials are sent along. Either may be NULL. NULL with error. */
sd_bus_message *dist_image_call(const char *member, const char *name, const char *reference,
                                const DistImageOptions *options, GError **error);
