/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Keeps replies small: every element is built in a separate message, measured, and copied into the
 * reply if it fits. sd-bus does not tell the size of an unfinished message, and nothing can be
 * removed from it again. A BerthPage belongs to the handler, for one call: it is opened, then each
 * element is begun and added, then the reply is sent. The one thing to know: the first element is
 * always added, truncated if it is too large; a page that always stayed empty would look like the
 * end of the listing.
 */

#include "bus/page.h"

#include "base/limits.h"
#include "bus/limits.h"

#include <errno.h>
#include <string.h>

/* Space for the header of the message and for anything appended after the copied part. */
enum { RESERVED_BYTES = 4096 };

int berth_part_new(sd_bus_message *of, sd_bus_message **part) {
    /* The message is never sent. Signals need the fewest header fields of all types. */
    return sd_bus_message_new_signal(sd_bus_message_get_bus(of), part, "/", "org.berth1.Part",
                                     "Part");
}

static int copy_some(sd_bus_message *to, sd_bus_message *from, size_t *left);

/* Cuts at a character boundary, since D-Bus strings must be valid UTF-8; g_utf8_validate() finds
 * the end of the last complete character. */
static int copy_text(sd_bus_message *to, sd_bus_message *from, size_t *left) {
    const char *text, *end;
    int r = sd_bus_message_read(from, "s", &text);

    if (r < 0)
        return r;
    size_t most = MIN(*left, BERTH_MAX_TEXT_BYTES), length = strlen(text);
    if (length > most) {
        g_utf8_validate(text, (gssize)most, &end);
        length = (size_t)(end - text);
    }
    *left -= length;
    g_autofree char *cut = g_strndup(text, length);
    return sd_bus_message_append(to, "s", cut);
}

/* Copies elements while there is space and skips the others, all of which must be read before the
 * container can be exited. sd_bus_message_skip(3) needs a complete type, but peeking returns the
 * contents without brackets. */
static int copy_array_part(sd_bus_message *to, sd_bus_message *from, size_t *left) {
    const char *contents;
    char type;
    int r;

    while ((r = sd_bus_message_peek_type(from, &type, &contents)) > 0) {
        g_autofree char *element = type == SD_BUS_TYPE_STRUCT ? g_strdup_printf("(%s)", contents)
                                   : type == SD_BUS_TYPE_DICT_ENTRY
                                       ? g_strdup_printf("{%s}", contents)
                                   : type == SD_BUS_TYPE_ARRAY ? g_strdup_printf("a%s", contents)
                                                               : g_strdup_printf("%c", type);
        r = *left > RESERVED_BYTES ? copy_some(to, from, left) : sd_bus_message_skip(from, element);
        if (r < 0)
            return r;
    }
    return r;
}

/* Only arrays are shortened: a struct, a dictionary entry or a variant must keep all its fields. */
static int copy_container(sd_bus_message *to, sd_bus_message *from, char type, const char *contents,
                          size_t *left) {
    int r;

    if ((r = sd_bus_message_enter_container(from, type, contents)) < 0 ||
        (r = sd_bus_message_open_container(to, type, contents)) < 0)
        return r;
    if (type == SD_BUS_TYPE_ARRAY)
        r = copy_array_part(to, from, left);
    else
        while ((r = copy_some(to, from, left)) > 0)
            ;
    if (r < 0 || (r = sd_bus_message_exit_container(from)) < 0)
        return r;
    return sd_bus_message_close_container(to);
}

/* Copies one complete value. Returns 0 at the end. */
static int copy_some(sd_bus_message *to, sd_bus_message *from, size_t *left) {
    const char *contents;
    char type;
    int r = sd_bus_message_peek_type(from, &type, &contents);

    if (r <= 0)
        return r;
    *left -= MIN(*left, 16);
    if (type == SD_BUS_TYPE_STRING)
        r = copy_text(to, from, left);
    else if (contents)
        r = copy_container(to, from, type, contents, left);
    else
        r = sd_bus_message_copy(to, from, 0);
    return r < 0 ? r : 1;
}

/* Seals a part, since only a sealed message can be read, and measures it. */
static int finish_part(sd_bus_message *part, size_t *bytes) {
    int r;

    if ((r = sd_bus_message_seal(part, 1, 0)) < 0 || (r = berth_limits_measure(part, bytes)) < 0)
        return r;
    return sd_bus_message_rewind(part, 1);
}

static int copy_finished(sd_bus_message *to, sd_bus_message *part, size_t found, size_t bytes) {
    size_t left = bytes;
    int r;

    if (found <= bytes)
        return sd_bus_message_copy(to, part, 1);
    while ((r = copy_some(to, part, &left)) > 0)
        ;
    return r;
}

int berth_part_copy(sd_bus_message *to, sd_bus_message *part, size_t bytes) {
    size_t found;
    int r = finish_part(part, &found);

    return r < 0 ? r : copy_finished(to, part, found, bytes);
}

int berth_page_open(BerthPage *page, sd_bus_message *call, const char *element) {
    int r;

    page->call = sd_bus_message_ref(call);
    page->element = element;
    page->bytes = RESERVED_BYTES;
    if ((r = sd_bus_message_new_method_return(call, &page->reply)) < 0 ||
        (r = sd_bus_message_open_container(page->reply, 'a', element)) < 0)
        return r;
    return 1;
}

bool berth_page_wants(const BerthPage *page, const char *key) {
    /* A key that has to be truncated would sort after its truncated form on every page: the client
     * would never reach the next one. */
    return strcmp(key, page->after) > 0 && strlen(key) <= BERTH_MAX_TEXT_BYTES;
}

/* A dictionary entry is not valid on its own in a message, so its part has an array around it. */
static bool is_dict_entry(const BerthPage *page) {
    return page->element[0] == '{';
}

int berth_page_begin(BerthPage *page, sd_bus_message **item) {
    page->item = sd_bus_message_unref(page->item);
    int r = berth_part_new(page->call, &page->item);

    *item = page->item;
    return r < 0 || !is_dict_entry(page) ? r
                                         : sd_bus_message_open_container(*item, 'a', page->element);
}

int berth_page_add(BerthPage *page) {
    size_t found;
    int r;

    /* Only items consisting of a name and properties can be filtered. */
    if (page->filter.wanted && !g_str_equal(page->element, "(sa{sv})"))
        return -EOPNOTSUPP;
    if ((is_dict_entry(page) && (r = sd_bus_message_close_container(page->item)) < 0) ||
        (r = finish_part(page->item, &found)) < 0 ||
        (is_dict_entry(page) &&
         (r = sd_bus_message_enter_container(page->item, 'a', page->element)) < 0))
        return r;
    if (page->filter.wanted) {
        if ((r = berth_filter_match(&page->filter, page->item)) <= 0)
            return r < 0 ? r : 1;
        if ((r = sd_bus_message_rewind(page->item, 1)) < 0)
            return r;
    }
    size_t bytes = MIN(found, BERTH_MAX_ITEM_BYTES);
    if (page->count > 0 &&
        (page->count >= page->limit || page->bytes + bytes > BERTH_MAX_REPLY_BYTES))
        return 0;
    page->count++;
    page->bytes += bytes;
    r = copy_finished(page->reply, page->item, found, BERTH_MAX_ITEM_BYTES);
    return r < 0 ? r : 1;
}

int berth_page_close(BerthPage *page) {
    return sd_bus_message_close_container(page->reply);
}

/* r is 0 if the page is full and 1 at the end of the listing: the reply is sent in both cases. */
int berth_page_send(BerthPage *page, int r) {
    if (r < 0 || (r = berth_page_close(page)) < 0)
        return r;
    return sd_bus_send(NULL, page->reply, NULL);
}

void berth_page_clear(BerthPage *page) {
    berth_filter_clear(&page->filter);
    page->call = sd_bus_message_unref(page->call);
    page->reply = sd_bus_message_unref(page->reply);
    page->item = sd_bus_message_unref(page->item);
}

/* The elements are pointers to structures whose first member is the key, hence the three levels. */
static gint compare_page_keys(gconstpointer a, gconstpointer b) {
    return strcmp(**(const char *const *const *)a, **(const char *const *const *)b);
}

void berth_page_sort(GPtrArray *list) {
    g_ptr_array_sort(list, compare_page_keys);
}

int berth_bus_append_some(sd_bus_message *message, char *const *strings, size_t bytes) {
    size_t left = bytes;
    int r = sd_bus_message_open_container(message, 'a', "s");

    for (; r >= 0 && strings && *strings; strings++) {
        size_t length = strlen(*strings) + 8;
        if (length > left)
            break;
        left -= length;
        r = sd_bus_message_append(message, "s", *strings);
    }
    return r < 0 ? r : sd_bus_message_close_container(message);
}

/* A document is never truncated, since half of one would be invalid. */
int berth_bus_reply_text(sd_bus_message *call, const char *text, size_t limit, const char *what) {
    g_autoptr(GError) error = NULL;

    if (strlen(text) + RESERVED_BYTES <= limit)
        return sd_bus_reply_method_return(call, "s", text);
    berth_error_set(&error, BERTH_ERROR_LIMIT_EXCEEDED,
                    "%s has %zu bytes; a reply holds at most %zu", what, strlen(text), limit);
    return berth_bus_reply_error(call, error);
}
