/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What dist itself reads of the configuration of a local image. */

#pragma once

#include "base/error.h"

/* Its variables; freed with g_strfreev(). NULL with error. */
char **dist_image_read_environment(const char *image, GError **error);

/* The ports that it exposes, as "80/tcp"; freed with g_strfreev(). NULL with error. */
char **dist_image_read_ports(const char *image, GError **error);
