/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* "dist content list" and "dist content active". */

#pragma once

#include "client/option.h"

extern const DistOption dist_content_list_options[];
int dist_content_list(char **argv, GError **error);
int dist_content_active(char **argv, GError **error);
