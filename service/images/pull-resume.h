/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Pulls that were interrupted when the service ended. */

#pragma once

#include "images/images.h"

/* Starts them again. A pull that cannot be resumed is logged. */
void berth_pull_resume_all(BerthImages *images);
