/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Creates the container of "dist run" and "dist create". */

#pragma once

#include "client/run-options.h"

#include <systemd/sd-bus.h>

/* Creates the container described by dist_run_given, and pulls its image if it is missing.
 * arguments: the image, unless there is a bundle, and the command. provisional: the service deletes
 * it if dist exits before it is started. Returns its id, which the caller frees; NULL with error.
 */
char *dist_run_create(bool provisional, char *const *arguments, GError **error);

/* A call of Create, for a caller that sends more calls about the container without waiting for the
 * reply. The container is provisional. NULL with error. */
sd_bus_message *dist_run_new_create(const char *id, const char *image, char *const *command,
                                    GError **error);
/* Prepares an image for Create: pulls it if --pull=always or --env-merge requires that, and adds
 * the variables of --env-merge. pulled (may be NULL): whether it was pulled. */
bool dist_run_prepare_image(const char *image, bool *pulled, GError **error);
/* The same, and pulls it if it is missing, for callers that read the image before Create. */
bool dist_run_require_image(const char *image, GError **error);
/* A random id, for callers that cannot leave the choice to the service (""). The caller frees it.
 */
char *dist_run_make_id(void);
/* Whether Create failed with this error because the image is missing and may be pulled. */
bool dist_run_lacks_image(const char *image, const GError *error);
