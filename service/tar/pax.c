/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parses extended headers, record by record. Names of owners, comments and everything else are
 * skipped, as image tools do. A BerthTarPax belongs to the reader, for one member.
 */

#include "tar/pax.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XATTR_PREFIX "SCHILY.xattr."

enum { MAX_CHUNKS = 1024 * 1024, NANOSECONDS = 1000000000 };

static bool is_malformed(const char *key, GError **error) {
    return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                           "the extended header has a malformed \"%.100s\"", key);
}

/* pax(1) writes decimal numbers. A leading blank or "+", which strtoll(3) would accept, is refused:
 * two readers of one archive must not differ. */
bool berth_tar_pax_number(const char *text, int64_t *value, GError **error) {
    char *end;

    errno = 0;
    gint64 number = g_ascii_strtoll(text, &end, 10);
    if (errno == ERANGE || end == text || *end != '\0' ||
        (text[0] != '-' && !g_ascii_isdigit(text[0])))
        return berth_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                               "the extended header has the malformed number \"%.40s\"", text);
    *value = number;
    return true;
}

/* "-1.5" is half a second before "-1": the fraction extends away from zero. */
static bool read_time(const char *text, struct timespec *time, GError **error) {
    g_autofree char *whole = g_strndup(text, strcspn(text, "."));
    const char *fraction = text + strlen(whole);
    int64_t seconds = 0, nanoseconds = 0, unit = NANOSECONDS / 10;

    if (whole[0] && !g_str_equal(whole, "-") && !berth_tar_pax_number(whole, &seconds, error))
        return false;
    for (fraction += *fraction == '.'; *fraction; fraction++, unit /= 10) {
        if (!g_ascii_isdigit(*fraction))
            return is_malformed("mtime", error);
        nanoseconds += (*fraction - '0') * unit;
    }
    if (text[0] == '-' && nanoseconds > 0) {
        if (seconds == INT64_MIN)
            return is_malformed("mtime", error);
        seconds--;
        nanoseconds = NANOSECONDS - nanoseconds;
    }
    time->tv_sec = seconds;
    time->tv_nsec = nanoseconds;
    return true;
}

static bool pax_add_chunk(BerthTarPax *pax, int64_t offset, int64_t size, GError **error) {
    const BerthTarChunk chunk = {offset, size};

    if (!pax->chunks)
        pax->chunks = g_array_new(FALSE, FALSE, sizeof chunk);
    if (pax->chunks->len >= MAX_CHUNKS)
        return berth_error_set(error, BERTH_ERROR_LIMIT_EXCEEDED,
                               "a sparse file has more than %d parts", MAX_CHUNKS);
    g_array_append_val(pax->chunks, chunk);
    return true;
}

/* Version 0.1: "offset,size,offset,size". */
static bool read_map(BerthTarPax *pax, const char *text, GError **error) {
    g_auto(GStrv) numbers = g_strsplit(text, ",", -1);
    int64_t offset, size;

    for (char **number = numbers; *number; number += 2) {
        if (!number[1])
            return is_malformed("GNU.sparse.map", error);
        if (!berth_tar_pax_number(number[0], &offset, error) ||
            !berth_tar_pax_number(number[1], &size, error) ||
            !pax_add_chunk(pax, offset, size, error))
            return false;
    }
    return true;
}

/* GNU tar's three sparse formats: 0.0 repeats offset and numbytes for each part, 0.1 has one map,
 * and 1.0 has the map before the content. */
static bool read_sparse(BerthTarPax *pax, const char *key, const char *value, GError **error) {
    int64_t number;

    pax->is_sparse = true;
    if (g_str_equal(key, "name")) {
        g_free(pax->sparse_path);
        pax->sparse_path = g_strdup(value);
        return true;
    }
    if (g_str_equal(key, "map"))
        return read_map(pax, value, error);
    if (!berth_tar_pax_number(value, &number, error))
        return false;
    if (g_str_equal(key, "realsize") || g_str_equal(key, "size")) {
        pax->sparse_size = number;
        pax->has_sparse_size = true;
    } else if (g_str_equal(key, "major")) {
        pax->has_inner_map = number == 1;
    } else if (g_str_equal(key, "offset")) {
        pax->sparse_offset = number;
    } else if (g_str_equal(key, "numbytes")) {
        return pax_add_chunk(pax, pax->sparse_offset, number, error);
    }
    return true;
}

static bool read_pax_number(const char *text, int64_t *value, bool *has, GError **error) {
    *has = true;
    return berth_tar_pax_number(text, value, error);
}

static void set_text(char **text, const char *value) {
    g_free(*text);
    *text = g_strdup(value);
}

/* An empty value deletes what an earlier header said (pax(1)); here a header applies to a single
 * member only, so there is nothing to delete. Only xattrs may contain NUL bytes. */
static bool pax_read_record(BerthTarPax *pax, const char *key, const char *value, size_t size,
                            GError **error) {
    static const char *const numbers[] = {"uid", "gid", "size", "mtime", NULL};

    if (size == 0)
        return true;
    if (g_str_has_prefix(key, XATTR_PREFIX)) {
        g_autoptr(GBytes) bytes = g_bytes_new(value, size);
        berth_tar_entry_add_xattr(&pax->xattrs, key + strlen(XATTR_PREFIX), bytes);
        return true;
    }
    bool is_text = memchr(value, '\0', size) == NULL;
    if (!is_text && g_strv_contains(numbers, key))
        return is_malformed(key, error);
    if (g_str_equal(key, "path") || g_str_equal(key, "linkpath")) {
        if (!is_text)
            return is_malformed(key, error);
        set_text(key[0] == 'p' ? &pax->path : &pax->target, value);
        return true;
    }
    if (is_text && g_str_equal(key, "SCHILY.acl.access"))
        set_text(&pax->xattrs.access_acl, value);
    if (is_text && g_str_equal(key, "SCHILY.acl.default"))
        set_text(&pax->xattrs.default_acl, value);
    if (g_str_has_prefix(key, "GNU.sparse."))
        return is_text ? read_sparse(pax, key + strlen("GNU.sparse."), value, error)
                       : is_malformed(key, error);
    if (g_str_equal(key, "uid"))
        return read_pax_number(value, &pax->uid, &pax->has_uid, error);
    if (g_str_equal(key, "gid"))
        return read_pax_number(value, &pax->gid, &pax->has_gid, error);
    if (g_str_equal(key, "size"))
        return read_pax_number(value, &pax->size, &pax->has_size, error);
    if (g_str_equal(key, "mtime")) {
        pax->has_mtime = true;
        return read_time(value, &pax->mtime, error);
    }
    return true;
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts all of it: at least itself, a blank, a key of one byte,
 * "=" and the line's end. Ten digits are more than any header has, and do not overflow. The value
 * is copied, since it becomes a text only with a NUL behind it. */
bool berth_tar_pax_read(BerthTarPax *pax, const char *text, size_t size, GError **error) {
    berth_tar_pax_clear(pax);
    while (size > 0) {
        size_t length = 0, digits = 0;
        for (; digits < size && digits < 10 && g_ascii_isdigit(text[digits]); digits++)
            length = length * 10 + (size_t)(text[digits] - '0');
        if (digits == 0 || digits >= size || text[digits] != ' ' || length > size ||
            length < digits + 3 || text[length - 1] != '\n')
            return is_malformed("record", error);
        const char *key = text + digits + 1, *end = text + length - 1;
        const char *equals = memchr(key, '=', (size_t)(end - key));
        if (!equals || equals == key || memchr(key, '\0', (size_t)(equals - key)))
            return is_malformed("record", error);
        g_autofree char *name = g_strndup(key, (size_t)(equals - key));
        size_t value_size = (size_t)(end - equals - 1);
        g_autofree char *value = g_malloc(value_size + 1);
        memcpy(value, equals + 1, value_size);
        value[value_size] = '\0';
        if (!pax_read_record(pax, name, value, value_size, error))
            return false;
        text += length;
        size -= length;
    }
    return true;
}

void berth_tar_pax_clear(BerthTarPax *pax) {
    g_free(pax->path);
    g_free(pax->target);
    g_free(pax->sparse_path);
    g_clear_pointer(&pax->chunks, g_array_unref);
    berth_tar_entry_clear(&pax->xattrs);
    memset(pax, 0, sizeof *pax);
}

/* Moves the text, if there is one, and frees the previous one. */
static void pax_take_text(char **to, char **from) {
    if (!*from)
        return;
    g_free(*to);
    *to = g_steal_pointer(from);
}

/* The name of a sparse file overrides "path", in which GNU tar puts a made-up path for tools that
 * do not know the format (GNUSparseFile.PID). The reader sets the size, which it needs earlier. */
void berth_tar_pax_apply(BerthTarPax *pax, BerthTarEntry *entry) {
    pax_take_text(&entry->path, &pax->path);
    pax_take_text(&entry->path, &pax->sparse_path);
    if (entry->is_hard_link || S_ISLNK(entry->mode))
        pax_take_text(&entry->target, &pax->target);
    if (pax->has_uid)
        entry->uid = (uid_t)pax->uid;
    if (pax->has_gid)
        entry->gid = (gid_t)pax->gid;
    if (pax->has_mtime)
        entry->mtime = pax->mtime;
    entry->xattr_names = g_steal_pointer(&pax->xattrs.xattr_names);
    entry->xattr_values = g_steal_pointer(&pax->xattrs.xattr_values);
    pax_take_text(&entry->access_acl, &pax->xattrs.access_acl);
    pax_take_text(&entry->default_acl, &pax->xattrs.default_acl);
}
