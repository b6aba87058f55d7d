/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Measures what the containers and volumes of users have on disk, in the background. */
extern const BerthPart berth_disk_part;
