/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* --env-merge: variables that are made of the image's own, as PATH=${PATH}:/opt/bin. */

#pragma once

#include "base/error.h"

/* Adds the assignments, with the variables of a local image put in, to the environment. */
bool dist_env_merge(const char *image, char *const *assignments, char ***environment,
                    GError **error);

/* $NAME and ${NAME} become the values of the environment, empty if there is none. NULL if the text
 * would become too long. Caller frees. */
char *dist_env_expand(const char *text, char *const *environment, GError **error);
