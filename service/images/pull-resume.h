/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pulls that the end of the service interrupted. */

#pragma once

#include "images/images.h"

/* Starts them again. One that cannot be resumed is logged. */
void berth_pull_resume_all(BerthImages *images);
