/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Making the container of "dist run" and "dist create". */

#pragma once

#include "client/run-options.h"

#include <systemd/sd-bus.h>

/* Makes it of dist_run_given; arguments: the image, unless there is a bundle, and the command.
 * Pulls the image if it is not here. provisional: it goes with dist, until it is started. Its id,
 * which the caller frees; NULL with error. */
char *dist_run_create(bool provisional, char *const *arguments, GError **error);

/* For a caller that sends further calls about the container without waiting for the answer: a call
 * of Create, for a new one that goes with dist until it is started. NULL with error. */
sd_bus_message *dist_run_new_create(const char *id, const char *image, char *const *command,
                                    GError **error);
/* What has to be done with an image before Create: pulls it if --pull=always or --env-merge needs
 * that, and adds the variables of --env-merge. pulled (may be NULL): whether it was. */
bool dist_run_prepare_image(const char *image, bool *pulled, GError **error);
/* An id that no container has: "" would be chosen by the service. The caller frees it. */
char *dist_run_make_id(void);
/* Whether Create has failed with this because the image is not here, and may be pulled. */
bool dist_run_lacks_image(const char *image, const GError *error);
