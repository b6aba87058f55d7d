/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Replies that list any number of items, one page at a time. A listing is sorted by its keys (as by
 * strcmp(3)). The caller asks for the items After the last one of the previous page, until a page
 * is empty, and gets at most Limit items that match its Filter. A page ends before it exceeds
 * BERTH_MAX_REPLY_BYTES. An item larger than BERTH_MAX_ITEM_BYTES, which only an older version of
 * the service can have stored, is truncated: strings are cut, lists have fewer elements.
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

/* Begins the reply, an array with elements of this type, which must be a literal. Returns 1 or a
 * negative errno. */
int berth_page_open(BerthPage *page, sd_bus_message *call, const char *element);

/* Whether an item with this key belongs on this page or a later one. */
bool berth_page_wants(const BerthPage *page, const char *key);

/* Begins a message for one element, which belongs to the page; berth_page_add() adds it. Both
 * return 1 or a negative errno; berth_page_add() also returns 1 if the element does not match the
 * filter, and 0 if the page is full. */
int berth_page_begin(BerthPage *page, sd_bus_message **item);
int berth_page_add(BerthPage *page);

/* Closes the array. */
int berth_page_close(BerthPage *page);
/* Closes the array and sends the reply; r is the last result of the functions above. */
int berth_page_send(BerthPage *page, int r);
/* Frees the reply and the filter, whether the page was sent or not. */
void berth_page_clear(BerthPage *page);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(BerthPage, berth_page_clear)

/* Sorts pointers to structures whose first member is the key. */
void berth_page_sort(GPtrArray *list);

/*
 * For replies other than listings: creates a separate message for a part that may be large, and
 * copies it into another message, truncated if it exceeds the given number of bytes.
 */
int berth_part_new(sd_bus_message *of, sd_bus_message **part);
int berth_part_copy(sd_bus_message *to, sd_bus_message *part, size_t bytes);

/* Appends strings as an array, as many of them as fit into the given number of bytes. */
int berth_bus_append_some(sd_bus_message *message, char *const *strings, size_t bytes);

/* Replies with one string, or with LimitExceeded, naming what it is, if it is longer than limit
 * bytes. */
int berth_bus_reply_text(sd_bus_message *call, const char *text, size_t limit, const char *what);
