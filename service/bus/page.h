/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Replies that list what there is, however much that is: a page at a time. A listing is sorted by
 * its keys (as strcmp(3) does); the caller asks for what comes After the last one of the page
 * before until a page is empty, with at most Limit items in each, of those that pass its Filter. A
 * page ends before it is larger than BERTH_MAX_REPLY_BYTES; one item that is larger than
 * BERTH_MAX_ITEM_BYTES, which only an older service can have stored, is cut: strings end early,
 * lists have fewer elements.
 *
 *     BerthPage page = BERTH_PAGE_FIRST;
 *     const BerthOption options[] = {BERTH_PAGE_OPTIONS(page), {NULL, NULL, NULL}};
 *     …
 *     r = berth_page_open(&page, call, "(sut)");
 *     for (…; r > 0; …)
 *         if (berth_page_wants(&page, name) && (r = berth_page_begin(&page, &item)) >= 0 &&
 *             (r = sd_bus_message_append(item, "(sut)", …)) >= 0)
 *             r = berth_page_add(&page);
 *     return berth_page_send(&page, r);
 */

#pragma once

#include "base/bus-error.h"
#include "bus/filter.h"
#include "bus/options.h"

typedef struct {
    uint64_t limit;
    const char *after;
    BerthFilter filter;
    uint64_t count;
    size_t bytes;
    const char *element;
    sd_bus_message *call, *reply, *item;
} BerthPage;

#define BERTH_PAGE_FIRST ((BerthPage){.limit = UINT64_MAX, .after = ""})
#define BERTH_PAGE_OPTIONS(page)                                                                   \
    {"Limit", "t", &(page).limit}, {"After", "s", &(page).after}, {                                \
        "Filter", NULL, &(page).filter, berth_filter_read                                          \
    }

/* Begins the reply, an array of elements of this type, a literal. 1, or negative errno. */
int berth_page_open(BerthPage *page, sd_bus_message *call, const char *element);

/* Whether an item with this key is on this page or a later one. */
bool berth_page_wants(const BerthPage *page, const char *key);

/* A message for one element, which stays the page's; berth_page_add() adds it. 1 when it is in the
 * page or does not pass the filter, 0 when the page is full, negative errno. */
int berth_page_begin(BerthPage *page, sd_bus_message **item);
int berth_page_add(BerthPage *page);

/* Closes the array. */
int berth_page_close(BerthPage *page);
/* The same, and sends it. r: the last result of the above. */
int berth_page_send(BerthPage *page, int r);
void berth_page_clear(BerthPage *page);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthPage, berth_page_clear)

/* Sorts pointers to structures whose first member is the key. */
void berth_page_sort(GPtrArray *list);

/*
 * For replies that are no listings: a message of its own for a part that may be large, and then its
 * copy into another message, cut if it is larger than bytes.
 */
int berth_part_new(sd_bus_message *of, sd_bus_message **part);
int berth_part_copy(sd_bus_message *to, sd_bus_message *part, size_t bytes);

/* Strings as an array, as many as fit into bytes. */
int berth_bus_append_some(sd_bus_message *message, char *const *strings, size_t bytes);

/* Replies with one string; LimitExceeded, naming what it is, if it is larger than limit bytes. */
int berth_bus_reply_text(sd_bus_message *call, const char *text, size_t limit, const char *what);
