/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checks of names that come from outside, before they become file, unit or bus names. */

#pragma once

#include "base/error.h"

/* A container's id: a letter or digit, then up to 63 letters, digits, "_", "." and "-". It is a
 * part of a unit name and a path component as it is. */
bool berth_name_check_container(const char *id, GError **error);

/* An image name or a client's ingest reference: opaque, 1 to 1024 bytes, no control characters. */
bool berth_name_check_image(const char *name, GError **error);
bool berth_name_check_ingest(const char *ref, GError **error);

/* What is only shown: no control characters. what: a noun for the message. */
bool berth_name_check_printable(const char *text, const char *what, GError **error);

/* Orders the strings of a GPtrArray by their bytes (g_ptr_array_sort). */
int berth_name_compare(gconstpointer a, gconstpointer b);

/* A media type without parameters, RFC 6838 section 4.2. */
bool berth_name_check_media_type(const char *media_type, GError **error);

/* Whether a registry's host ("HOST[:PORT]") is this machine's loopback, where plain HTTP is usual.
 */
bool berth_name_is_loopback(const char *host);

/* The form in which places of registries are compared, of HOST[:PORT][/PATH]: the host in lower
 * case, and without the port if it is that of HTTPS (RFC 3986, sections 6.2.2.1 and 6.2.3). The
 * path stays as it is. Caller frees. */
char *berth_name_normalize_place(const char *place);
