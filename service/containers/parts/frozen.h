/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "containers/core/part.h"

/* Records when the cgroup of a running container is frozen or thawed by others than the service. */
extern const BerthPart berth_frozen_part;
