/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Checking the store: every blob is hashed again. One that is not what its name says is set aside
 * (content/damaged/) and named; where it is asked for, it is fetched again from where it came.
 */

#pragma once

#include "images/images.h"

typedef struct {
    bool refetch;
    uint32_t owner;
} BerthVerifyRequest;

/* The transfer's result names what is damaged and was not had again. */
BerthTransfer *berth_verify_start(BerthImages *images, const BerthVerifyRequest *request,
                                  GError **error);
