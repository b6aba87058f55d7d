/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Searches for repositories at a registry, and for tags in a repository. */

#pragma once

#include "images/images.h"
#include "worker/replies.h"

/* The maximum number of results of a search. */
enum { BERTH_SEARCH_MAX_RESULTS = 1000 };

typedef struct {
    BerthRemoteRequest request; /* its repository is used only for tags */
    const char *term;
    bool tags;
    uint32_t limit;
} BerthSearchRequest;

/* results contains BerthFoundRepository; NULL on error. */
typedef void (*BerthSearchDone)(const GPtrArray *results, const GError *error, void *userdata);
void berth_images_search(BerthImages *images, const BerthSearchRequest *request,
                         BerthSearchDone done, void *userdata);
