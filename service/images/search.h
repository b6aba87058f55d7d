/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The search for repositories of a registry, and for tags of a repository. */

#pragma once

#include "images/images.h"
#include "worker/replies.h"

/* How many results a search has at most. */
enum { BERTH_SEARCH_MAX_RESULTS = 1000 };

typedef struct {
    BerthRemoteRequest request; /* its repository counts for tags alone */
    const char *term;
    bool tags;
    uint32_t limit;
} BerthSearchRequest;

/* results: of BerthFoundRepository; NULL with error. */
typedef void (*BerthSearchDone)(const GPtrArray *results, const GError *error, void *userdata);
void berth_images_search(BerthImages *images, const BerthSearchRequest *request,
                         BerthSearchDone done, void *userdata);
