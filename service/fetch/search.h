/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Searches for repositories in a registry, and for tags of a repository. */

#pragma once

#include "fetch/session.h"

typedef enum {
    BERTH_SEARCH_REPOSITORIES,
    BERTH_SEARCH_TAGS, /* of the repository in the session's reference */
} BerthSearchKind;

typedef struct {
    char *name;        /* of the repository, without its registry; or of the tag */
    char *description; /* "" if the registry has none */
    uint64_t stars;
    bool official;
} BerthSearchResult;

/* results: of BerthSearchResult, at most limit; NULL with error. */
typedef void (*BerthSearched)(GPtrArray *results, const GError *error, void *userdata);

/* Finds names that contain term; Docker Hub searches descriptions, too. */
void berth_search(BerthFetchSession *session, BerthSearchKind kind, const char *term,
                  uint32_t limit, BerthSearched done, void *userdata);
