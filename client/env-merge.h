/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --env-merge: variables made from the image's own, such as PATH=${PATH}:/opt/bin. */

#pragma once

#include "base/error.h"

/* Adds the assignments to the environment, with the variables of a local image expanded in them. */
bool dist_env_merge(const char *image, char *const *assignments, char ***environment,
                    GError **error);

/* Replaces $NAME and ${NAME} with their values in the environment, or nothing if there is none.
 * NULL if the text would become too long. The caller frees it. */
char *dist_env_expand(const char *text, char *const *environment, GError **error);
